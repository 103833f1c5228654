import { describe, expect, test } from "vitest";
import { digits, summarize } from "./statistics.mjs";

describe("summarize", () => {
  test("takes the middle of an odd count, and the mean of the middle two of an even one", () => {
    expect(summarize([9, 1, 4])).toEqual({ median: 4, low: 1, high: 9, count: 3 });
    expect(summarize([8, 2, 4, 100])).toEqual({ median: 6, low: 2, high: 100, count: 4 });
  });

  test("leaves its argument as it was", () => {
    const values = [3, 1, 2];
    summarize(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test("digits keeps three significant digits and no fraction of large numbers", () => {
  expect([0.01234, 8.1, 35.84, 842.4, 12345.6].map(digits)).toEqual([
    "0.0123",
    "8.10",
    "35.8",
    "842",
    "12,346",
  ]);
});
