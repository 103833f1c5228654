// What this JavaScript engine's WebAssembly can do, and which build of the core that allows.

import { HearthError } from "../errors.js";

/** A build of the core, from the plainest to the fastest. */
export type WasmVariant = "simd" | "relaxed" | "relaxed-mt";

export interface WasmFeatures {
  /** 128-bit SIMD: every browser since 2021. */
  readonly simd: boolean;
  /** Relaxed SIMD: integer dot products. */
  readonly relaxedSimd: boolean;
  /** Shared memory and atomics: in pages, only when cross-origin isolated. */
  readonly threads: boolean;
}

// Sections of a module with one function of no arguments: the magic, version 1, a type section with
// that function's type, a function section that uses it, its export, and a code section with its body.
function moduleOf(result: number, body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [0, ...body, 0x0b]; // no locals, the body, `end`
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 5, 1, 0x60, 0, 1, result],
    ...[3, 2, 1, 0],
    ...[7, 5, 1, 1, 0x66, 0, 0], // exported as "f"
    ...[10, code.length + 2, 1, code.length, ...code],
  ]);
}

const v128 = 0x7b;
const i32 = 0x7f;
const splatZero = [0x41, 0, 0xfd, 0x0f]; // i32.const 0, i8x16.splat

/** A function of `i8x16.popcnt`, one of the last instructions to join the SIMD proposal. */
export const simdProbe = moduleOf(v128, [...splatZero, 0xfd, 0x62]);

/** A function of `i32x4.relaxed_dot_i8x16_i7x16_add_s`, the instruction the core wants. */
export const relaxedProbe = moduleOf(v128, [
  ...splatZero,
  ...splatZero,
  ...splatZero,
  ...[0xfd, 0x93, 0x02],
]);

/**
 * Whether relaxed dot products come out right. The baseline compiler of V8 11.3, in Node 20, has them
 * behind a flag and computes them wrongly, until its optimizing compiler takes a function over. What
 * runs once here is compiled as what runs first in the core is.
 *
 * @param factor 1 to 31. V8 compiles modules of the same bytes once, so trying again takes another.
 */
export function relaxedDotsAreRight(factor = 1): boolean {
  if (!WebAssembly.validate(relaxedProbe)) return false;
  const body = [
    ...[0x41, 0x7d, 0xfd, 0x0f], // i32.const -3, i8x16.splat: the signed bytes
    ...[0x41, factor, 0xfd, 0x0f], // i32.const factor, i8x16.splat: the 7-bit bytes
    ...[0x41, 0, 0xfd, 0x11], // i32.const 0, i32x4.splat: the sum so far
    ...[0xfd, 0x93, 0x02], // i32x4.relaxed_dot_i8x16_i7x16_add_s
    ...[0xfd, 0x1b, 0], // i32x4.extract_lane 0
  ];
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(i32, body)));
  const run = instance.exports.f as () => number;
  return run() === 4 * -3 * factor;
}

/**
 * Detects WebAssembly features by validating tiny modules, and runs one where an engine is known
 * to go wrong.
 *
 * @example
 * const { relaxedSimd, threads } = detectFeatures();
 */
export function detectFeatures(): WasmFeatures {
  if (typeof WebAssembly !== "object") return { simd: false, relaxedSimd: false, threads: false };
  return {
    simd: WebAssembly.validate(simdProbe),
    relaxedSimd: relaxedDotsAreRight(2),
    threads: canShareMemory(),
  };
}

function canShareMemory(): boolean {
  if (typeof SharedArrayBuffer === "undefined" || typeof Atomics === "undefined") return false;
  // Undefined outside browsers, where no isolation is needed.
  if (globalThis.crossOriginIsolated === false) return false;
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return memory.buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

/** Threads beyond this gain little: decoding is bound by memory, not by arithmetic. */
export const mostThreads = 8;

/**
 * Chooses the build of the core and its number of threads.
 *
 * @param features What was detected.
 * @param wanted   What the app asked for: a variant, or a number of threads from 1.
 * @param cores    Logical cores of the machine (`navigator.hardwareConcurrency`).
 * @returns The variant, and threads with the calling one counted; 1 unless the variant has threads.
 * @throws HearthError `unsupported_device` when SIMD or the variant asked for is not to be had.
 */
export function chooseVariant(
  features: WasmFeatures,
  wanted: { variant?: WasmVariant | undefined; threads?: number | undefined },
  cores: number,
): { variant: WasmVariant; threads: number } {
  if (!features.simd) {
    throw new HearthError("unsupported_device", "This browser's WebAssembly has no SIMD.", {
      subject: "wasm",
    });
  }
  const threads = wanted.threads ?? Math.max(1, Math.min(cores, mostThreads));
  const best: WasmVariant = !features.relaxedSimd
    ? "simd"
    : features.threads && threads > 1
      ? "relaxed-mt"
      : "relaxed";
  const variant = wanted.variant ?? best;
  if (variant !== "simd" && !features.relaxedSimd) {
    throw new HearthError("unsupported_device", "This browser's WebAssembly has no relaxed SIMD.", {
      subject: variant,
    });
  }
  if (variant === "relaxed-mt" && !features.threads) {
    throw new HearthError(
      "unsupported_device",
      "Threads need shared memory, which pages have only when they are cross-origin isolated.",
      { subject: variant },
    );
  }
  return { variant, threads: variant === "relaxed-mt" ? threads : 1 };
}
