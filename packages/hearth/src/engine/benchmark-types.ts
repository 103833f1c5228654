// The public types of `benchmark()`.

import type { ModelInfo } from "../abi.generated.js";
import type { Bandwidth } from "../gpu/bandwidth.js";
import type { KernelTime } from "../gpu/kernel-times.js";
import type { AdapterInfo, Assets, GpuRestrictions, WasmVariant } from "./types.js";

export type { Bandwidth, KernelTime };

/** Options of `benchmark`. */
export interface BenchmarkOptions {
  /** Name of the model whose shape to take, such as `"llama-3.1-8b"`. */
  shape: string;
  /** Tokens of context to decode at; 0, 4096 and 16384 when left out. */
  contexts?: number[];
  /** Length of the prompt to read, in tokens; 512 when left out. */
  prefill?: number;
  /** Tokens to write at each context; 64 when left out. */
  tokens?: number;
  /** Times that each is measured, after one that is not counted; 3 when left out. */
  repeat?: number;
  /** Tokens in one prefill step; the engine's choice when left out. */
  maxBatch?: number;
  /** Whether a GPU will do whose work the CPU does; default false. */
  software?: boolean;
  /** Restricts what is used of the GPU. */
  gpu?: GpuRestrictions;
  /** Build of the core; chosen by what the browser can do when left out. */
  variant?: WasmVariant;
  /** Where Node keeps what is learned about the GPU. */
  cacheDir?: string;
  assets?: Assets;
  /** Called as work advances. */
  onProgress?: (progress: BenchmarkProgress) => void;
  /** Aborts the measurement. */
  signal?: AbortSignal;
}

/** What a benchmark is doing. */
export interface BenchmarkProgress {
  phase: "load" | "bandwidth" | "prefill" | "decode" | "profile";
  /** The context that is decoded at; 0 in the other phases. */
  context: number;
  /** Bytes of weights while loading, else runs. */
  done: number;
  total: number;
}

/** The median of some runs, and the runs. */
export interface Samples {
  /** Seconds of each run, in order. */
  seconds: number[];
  medianSeconds: number;
  /** Of the median. */
  tokensPerSecond: number;
}

/** How fast a prompt is read. */
export interface PrefillFigures extends Samples {
  /** Length of the prompt. */
  tokens: number;
  /** Where the time goes, longest first; empty where the GPU takes no timestamps. */
  kernels: KernelTime[];
}

/** Milliseconds of a token, over all runs: together they are the time of a token. */
export interface TokenTimes {
  /** The core's work: what to run next, and what an answer means. */
  core: number;
  /** Encoding commands. */
  encode: number;
  /** Handing them to WebGPU, with the few bytes they need. */
  submit: number;
  /** Everything else: waiting for the GPU and for messages. */
  wait: number;
}

/** How fast tokens are written behind a context. */
export interface DecodeFigures extends Samples {
  /** Tokens before the first one written. */
  context: number;
  /** Tokens written behind the first one, which is not timed. */
  tokens: number;
  /** Bytes that a token reads: weights, and keys and values halfway through the run. */
  bytesPerToken: number;
  /** Bytes that the median reads a second, over the bandwidth; 1 is as fast as memory goes. */
  bandwidthShare: number;
  milliseconds: TokenTimes;
  /** Where the time goes, longest first; empty where the GPU takes no timestamps. */
  kernels: KernelTime[];
}

/** What `benchmark` found. */
export interface BenchmarkResult {
  /** Version of the engine. */
  version: string;
  shape: string;
  adapter: AdapterInfo;
  /** Kernel variants that computed something wrong here, and were not used. */
  refused: string[];
  model: ModelInfo;
  /** Seconds from a core and a device to weights in place. */
  loadSeconds: number;
  /** How fast a plain loop reads memory. */
  bandwidth: Bandwidth;
  /** Dispatches of a token, the choice of the next one included. */
  dispatches: number;
  /** Those of one layer. */
  dispatchesPerLayer: number;
  /** Bytes of weights that a token reads. */
  weightBytes: number;
  prefill: PrefillFigures;
  decode: DecodeFigures[];
}
