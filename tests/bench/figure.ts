/**
 * A figure as it is shown: three digits, no more are certain.
 *
 * @param value The figure.
 * @returns Its text, without a unit.
 */
export function figure(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.995 ? 2 : 3;
  return value.toFixed(digits);
}
