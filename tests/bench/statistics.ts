/**
 * Medians, spread, and ratios of two that were measured in turn.
 *
 * @module
 */

/** The middle one of the figures; between the two middle ones of an even number. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[half]!;
  return (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * The figure that a part of all figures does not exceed.
 *
 * @param figures At least one.
 * @param part From 0 to 1: 0.99 of a hundred figures is the second largest.
 */
export function quantile(figures: readonly number[], part: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)]!;
}

/**
 * How two contenders compare: the median over the rounds of what `compare`
 * makes of each round's pair. The machine drifts within a run, by more than
 * contenders differ; a pair was measured within seconds.
 */
export function pairwise(
  a: readonly number[],
  b: readonly number[],
  compare: (a: number, b: number) => number,
): number {
  const pairs = Math.min(a.length, b.length);
  return median(
    Array.from({ length: pairs }, (_, i) => compare(a[i]!, b[i]!)),
  );
}

/** How often as much `a` is as `b`, pair by pair. */
export function ratio(a: readonly number[], b: readonly number[]): number {
  return pairwise(a, b, (one, other) => one / other);
}
