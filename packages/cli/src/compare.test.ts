import { describe, expect, it } from "vitest";
import { compare, topTwo } from "./compare.js";

const inf = Number.POSITIVE_INFINITY;

describe("compare", () => {
  it("divides the largest error by the largest reference value", () => {
    expect(compare([1, -8, 3.5], [1, -10, 3])).toEqual({ error: 0.2, scale: 10 });
    expect(compare([4, 5], [4, 5])).toEqual({ error: 0, scale: 5 });
  });

  it("takes equal infinities as equal and others as an infinite error", () => {
    expect(compare([-inf, 2], [-inf, 2])).toEqual({ error: 0, scale: 2 });
    expect(compare([-1e30, 2], [-inf, 2]).error).toBe(inf);
    expect(compare([inf, 2], [-inf, 2]).error).toBe(inf);
    expect(compare([-inf, 2], [1, 2]).error).toBe(inf);
  });

  it("never lets a NaN pass, whichever side it is on", () => {
    expect(compare([Number.NaN, 2], [1, 2]).error).toBe(inf);
    expect(compare([1, 2], [Number.NaN, 2]).error).toBe(inf);
    expect(compare([Number.NaN], [Number.NaN]).error).toBe(inf);
  });

  it("fails another length, and any error where the reference is all zero", () => {
    expect(compare([1], [1, 2]).error).toBe(inf);
    expect(compare([1, 2], [1]).error).toBe(inf);
    expect(compare([1e-9], [0]).error).toBe(inf);
    expect(compare([0], [0]).error).toBe(0);
  });
});

describe("topTwo", () => {
  it("finds the best and its lead", () => {
    expect(topTwo([1, 7, 4.5, -2])).toEqual({ best: 1, gap: 2.5 });
    expect(topTwo([7, 4.5, 9])).toEqual({ best: 2, gap: 2 });
  });

  it("takes the first of equals, and no lead", () => {
    expect(topTwo([3, 5, 5])).toEqual({ best: 1, gap: 0 });
    expect(topTwo([-inf, -inf])).toEqual({ best: 0, gap: 0 });
    expect(topTwo([4])).toEqual({ best: 0, gap: 0 });
  });

  it("has no best among NaNs", () => {
    expect(topTwo([1, Number.NaN, 0]).best).toBe(-1);
  });
});
