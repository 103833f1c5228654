// The public types of `diagnose()`.

import type { WasmFeatures } from "../wasm/features.js";
import type { AdapterInfo, Assets, GpuRestrictions, WasmVariant } from "./types.js";

/** Options of `diagnose`. */
export interface DiagnoseOptions {
  /** Whether to check every kernel against the CPU; default true. */
  kernels?: boolean;
  /** Whether to time kernels on a real GPU, which takes 1 GB of its memory; default true. */
  speeds?: boolean;
  /** Forget first what was learned about GPUs. */
  forget?: boolean;
  /** Restricts what is used of the GPU. */
  gpu?: GpuRestrictions;
  /** Build of the core; chosen by what the browser can do when left out. */
  variant?: WasmVariant;
  /** Where Node keeps models and what is learned about the GPU. */
  cacheDir?: string;
  assets?: Assets;
  /** Called as work advances. */
  onProgress?: (progress: DiagnoseProgress) => void;
  /** Aborts the diagnosis. */
  signal?: AbortSignal;
}

/** What a diagnosis is doing. */
export interface DiagnoseProgress {
  phase: "check" | "time";
  /** The kernel that is checked; "" while timing. */
  kernel: string;
  done: number;
  total: number;
}

/** One of the shapes of matrices that a subgroup multiplies together. */
export interface MatrixShape {
  /** Types of the factors and of the sums. */
  component: string;
  result: string;
  m: number;
  n: number;
  k: number;
}

/** A GPU in detail. */
export interface AdapterReport extends AdapterInfo {
  vendor: string;
  architecture: string;
  device: string;
  /** WebGPU's optional features, of those that kernels or profiles use: whether it has them. */
  has: Record<string, boolean>;
  /** Limits that decide what fits and which kernels run. */
  limits: Record<string, number>;
  /** Smallest and largest subgroup; 0 when unknown. */
  subgroupMin: number;
  subgroupMax: number;
  /** Empty where there are none. */
  matrices: MatrixShape[];
}

/** One kernel variant, held against the CPU. */
export interface KernelReport {
  name: string;
  /** Whether it computed what the CPU does. */
  ok: boolean;
  /** Largest difference over the largest value expected, and the largest that passes. */
  error: number;
  tolerance: number;
  /** Why there was nothing to compare; undefined when it ran. */
  failure?: string;
  /** Bytes of weights that it reads a second, for mat-vecs that were timed. */
  bytesPerSecond?: number;
  /** Operations a second, for mat-muls that were timed: two a weight and token. */
  flops?: number;
}

/** What `diagnose` found. */
export interface Diagnosis {
  /** Version of the engine. */
  version: string;
  wasm: WasmFeatures & {
    /** Bytes that the engine's memory may grow to here; 0 when none is to be had. */
    memoryBytes: number;
  };
  storage: {
    kind: "opfs" | "disk" | "memory";
    /** Bytes that models take, and that are left if it is known. */
    bytes: number;
    available?: number;
  };
  /** The GPU; left out where there is none that WebGPU can use. */
  adapter?: AdapterReport;
  /** Why there is no GPU: a sentence to show. */
  reason?: string;
  /** Bytes a second that a plain loop reads; left out for software. */
  bandwidth?: number;
  /** Every kernel variant that the adapter allows. */
  kernels: KernelReport[];
}
