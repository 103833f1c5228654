// What many repetitions of a measurement come to.

/**
 * @param {number[]} values at least one
 * @returns {{ median: number, low: number, high: number, count: number }} low and high: the extremes
 */
export function summarize(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, low: sorted[0], high: sorted[sorted.length - 1], count: sorted.length };
}

/**
 * Three significant digits, as far as the measurement is worth.
 * @param {number} value
 * @returns {string}
 */
export function digits(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}
