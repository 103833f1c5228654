import { afterEach, describe, expect, it, vi } from "vitest";
import {
  chooseVariant,
  detectFeatures,
  relaxedDotsAreRight,
  relaxedProbe,
  simdProbe,
} from "./features.js";

const all = { simd: true, relaxedSimd: true, threads: true };

afterEach(() => vi.unstubAllGlobals());

describe("detectFeatures", () => {
  it("finds SIMD and threads in Node", () => {
    expect(detectFeatures()).toMatchObject({ simd: true, threads: true });
  });

  it("finds no threads in a page that is not isolated", () => {
    vi.stubGlobal("crossOriginIsolated", false);
    expect(detectFeatures().threads).toBe(false);
  });

  it("finds nothing without WebAssembly", () => {
    vi.stubGlobal("WebAssembly", undefined);
    expect(detectFeatures()).toEqual({ simd: false, relaxedSimd: false, threads: false });
  });

  it("tells an engine that lacks an instruction from a probe that is broken", () => {
    // The same modules with their opcode changed to none: a validator that says yes checks nothing.
    for (const probe of [simdProbe, relaxedProbe]) {
      const broken = probe.slice();
      broken[broken.length - 3] = 0xff;
      expect(WebAssembly.validate(broken)).toBe(false);
    }
    expect(WebAssembly.validate(simdProbe)).toBe(true);
  });
});

describe("relaxedDotsAreRight", () => {
  it("believes no engine that validates the instruction and computes something else", () => {
    const wrong = { exports: { f: () => 4 * 253 * 5 } }; // the signed bytes read as unsigned
    vi.stubGlobal("WebAssembly", {
      validate: () => true,
      Module: class {},
      Instance: class {
        exports = wrong.exports;
      },
    });
    expect(relaxedDotsAreRight(5)).toBe(false);
    wrong.exports.f = () => 4 * -3 * 5;
    expect(relaxedDotsAreRight(5)).toBe(true);
  });
});

describe("chooseVariant", () => {
  it("takes the fastest build that runs", () => {
    expect(chooseVariant(all, {}, 4)).toEqual({ variant: "relaxed-mt", threads: 4 });
    expect(chooseVariant({ ...all, threads: false }, {}, 4)).toEqual({
      variant: "relaxed",
      threads: 1,
    });
    expect(chooseVariant({ ...all, relaxedSimd: false }, {}, 4)).toEqual({
      variant: "simd",
      threads: 1,
    });
  });

  it("needs no threads for one", () => {
    expect(chooseVariant(all, { threads: 1 }, 4).variant).toBe("relaxed");
    expect(chooseVariant(all, {}, 1).variant).toBe("relaxed");
  });

  it("takes eight threads at most unless told otherwise", () => {
    expect(chooseVariant(all, {}, 64).threads).toBe(8);
    expect(chooseVariant(all, { threads: 12 }, 64).threads).toBe(12);
  });

  it.each([
    [{ ...all, simd: false }, {}, "wasm"],
    [{ ...all, relaxedSimd: false }, { variant: "relaxed" as const }, "relaxed"],
    [{ ...all, threads: false }, { variant: "relaxed-mt" as const }, "relaxed-mt"],
  ])("says which build is not to be had: %o %o", (features, wanted, subject) => {
    expect(() => chooseVariant(features, wanted, 4)).toThrow(
      expect.objectContaining({ code: "unsupported_device", subject }),
    );
  });
});
