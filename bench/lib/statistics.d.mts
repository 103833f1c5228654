// Types of statistics.mjs for its test.

/** The middle value and the extremes of at least one value. */
export function summarize(values: number[]): {
  median: number;
  low: number;
  high: number;
  count: number;
};
/** Three significant digits. */
export function digits(value: number): string;
