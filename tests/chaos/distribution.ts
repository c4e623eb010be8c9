/** Durations in one line. @module */

/** Median, 99th percentile and longest. */
export function distribution(ms: readonly number[]): string {
  if (ms.length === 0) return "none";
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
      .toFixed(0);
  return `median ${at(0.5)} ms, 90 % ${at(0.9)} ms, 99 % ${
    at(0.99)
  } ms, longest ${at(1)} ms of ${sorted.length}`;
}
