// How fast the kernels for matrices run, in a small model of made-up weights.

import type { Core } from "../core/core.js";
import { HearthError } from "../errors.js";
import type { Gpu } from "../gpu/adapter.js";
import type { KernelTime } from "../gpu/kernel-times.js";
import type { Store } from "../store/store.js";
import { runBenchmark } from "./benchmark.js";
import type { KernelReport } from "./diagnosis-types.js";

/** Its matrices are large enough to keep any card busy, and 0.7 GB fit almost every one. */
const shape = "llama-3.2-1b";
/** A prompt long enough for the tiles of matrix kernels to be full. */
const prompt = 512;
/** Weights in a byte: the shapes' matrices are Q4_0, blocks of 32 weights in 18 bytes. */
const weightsPerByte = 32 / 18;

type Speed = Pick<KernelReport, "bytesPerSecond" | "flops">;

/** Adds up bytes and seconds of each kernel's dispatches that read weights. */
function sums(kernels: readonly KernelTime[], prefix: string) {
  const found = new Map<string, { bytes: number; seconds: number }>();
  for (const { kernel, bytes, seconds } of kernels) {
    if (bytes === 0 || seconds === 0 || !kernel.startsWith(prefix)) continue;
    const sum = found.get(kernel) ?? { bytes: 0, seconds: 0 };
    found.set(kernel, { bytes: sum.bytes + bytes, seconds: sum.seconds + seconds });
  }
  return [...found];
}

/**
 * Bytes a second of the card's memory, and speeds of the mat-vec and mat-mul variants that its plan
 * uses, by name. Nothing where it has no memory for the model, no speeds where it takes no timestamps.
 *
 * @throws HearthError `gpu_error`, `device_lost`, `aborted`.
 */
export async function timeKernels(
  core: Core,
  gpu: Gpu,
  store: Store,
  signal: AbortSignal,
): Promise<{ bandwidth: number | undefined; speeds: Map<string, Speed> }> {
  let reads: number | undefined;
  const speeds = new Map<string, Speed>();
  const params = {
    ...{ shape, contexts: [0], prefill: prompt, tokens: 8, repeat: 1, maxBatch: prompt },
    software: true,
  };
  try {
    const parts = { core, gpu, store, signal, emit() {} };
    const { bandwidth, prefill, decode } = await runBenchmark(params, parts);
    reads = bandwidth.bytesPerSecond;
    for (const [kernel, { bytes, seconds }] of sums(decode[0]?.kernels ?? [], "matvec")) {
      speeds.set(kernel, { bytesPerSecond: bytes / seconds });
    }
    for (const [kernel, { bytes, seconds }] of sums(prefill.kernels, "matmul")) {
      speeds.set(kernel, { flops: (2 * prompt * bytes * weightsPerByte) / seconds });
    }
  } catch (error) {
    if (HearthError.from(error).code !== "out_of_memory") throw error;
  }
  return { bandwidth: reads, speeds };
}
