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
// that function's type, a function section that uses it, and a code section with its body.
function moduleOf(result: number, body: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = [0, ...body, 0x0b]; // no locals, the body, `end`
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 5, 1, 0x60, 0, 1, result],
    ...[3, 2, 1, 0],
    ...[10, code.length + 2, 1, code.length, ...code],
  ]);
}

const v128 = 0x7b;
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
 * Detects WebAssembly features by validating tiny modules; nothing is compiled or run.
 *
 * @example
 * const { relaxedSimd, threads } = detectFeatures();
 */
export function detectFeatures(): WasmFeatures {
  if (typeof WebAssembly !== "object") return { simd: false, relaxedSimd: false, threads: false };
  return {
    simd: WebAssembly.validate(simdProbe),
    relaxedSimd: WebAssembly.validate(relaxedProbe),
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
const mostThreads = 8;

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
