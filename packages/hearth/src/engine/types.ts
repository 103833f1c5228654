// The public types of the engine.

import type { FileContents, ModelInfo } from "../abi.generated.js";
import type { HuggingFaceOptions } from "../hub/huggingface.js";
import type { ModelFiles } from "../hub/model-files.js";
import type { WasmVariant } from "../wasm/features.js";

export type { FileContents, HuggingFaceOptions, ModelFiles, ModelInfo, WasmVariant };

/** Where kernels run. `"auto"` takes the best that is there. */
export type Device = "auto" | "wasm" | "native" | "webgpu";

/** Where a model's weights came from. */
export type WeightSource = "store" | "network" | "file";

/** What is happening while an engine opens. */
export interface Progress {
  /**
   * `"compile"`: compiling the engine and finding the model's files; `"download"`: getting those that
   * are not in the store; `"load"`: reading weights into memory.
   */
  phase: "compile" | "download" | "load";
  /** File or model it is about. */
  file: string;
  /** Bytes done in this phase, over all files. */
  loaded: number;
  /** Bytes to do in this phase, over all files; 0 while unknown. */
  total: number;
  /** Bytes per second over the last seconds; 0 while unknown. */
  bytesPerSecond: number;
  /** Seconds left in this phase; undefined while unknown. */
  secondsLeft: number | undefined;
  /** Where the bytes come from. */
  source: WeightSource;
}

/** Where the package's own files lie, when a bundler moved them. */
export interface Assets {
  /** Address of the worker's script (`worker.js`; in Node `node-worker.js`). */
  worker?: string | URL;
  /** Address of the folder that holds `hearth-simd.wasm` and its like. */
  wasm?: string | URL;
}

/** What `createEngine`, `openTokenizer` and `inspect` share. */
export interface ModelOptions {
  /**
   * The model: a name from the catalogue, `hf:org/name[@revision][:file]`, the address of a file or
   * folder, in Node a path, in the browser a `File` or those of a folder; `resolveModel` says it all.
   */
  model: string | File | readonly File[] | ModelFiles;
  /** How to reach Hugging Face for `hf:`. */
  huggingFace?: HuggingFaceOptions;
  /** Default `"auto"`. */
  device?: Device;
  /** Where Node keeps downloaded models. Browsers use the origin's private file system. */
  cacheDir?: string;
  /** Build of the core; chosen by what the browser can do when left out. */
  variant?: WasmVariant;
  /** Path of `hearth-native`, for `device: "native"`; `HEARTH_NATIVE` when left out. */
  nativePath?: string;
  assets?: Assets;
  /** Called as work advances, at most about twenty times a second. */
  onProgress?: (progress: Progress) => void;
  /** Aborts the opening. It has no effect once the promise has settled. */
  signal?: AbortSignal;
}

/** Options of `createEngine`. */
export interface EngineOptions extends ModelOptions {
  /** Threads for kernels, the engine's own included; at most 8 cores' worth when left out. */
  threads?: number;
  /** Tokens a conversation can hold; the model's own, at most 4096, when left out. */
  contextLength?: number;
  /** Tokens in one prefill step; 128 when left out. */
  maxBatch?: number;
  /** Bytes that weights, activations and one session may take together. */
  memoryLimit?: number;
  /** Use float kernels only, never 8-bit activations: slower, for comparisons. */
  exact?: boolean;
  /** Restricts what is used of the GPU. */
  gpu?: GpuRestrictions;
}

/** Holds the GPU back to less than it can do: to find out what is at fault, and for tests. */
export interface GpuRestrictions {
  /** The optional features that may be used, such as `"subgroups"`; all when left out. */
  features?: string[];
  /** Largest part of a buffer to use at once, in bytes. */
  maxBindingBytes?: number;
}

/** A GPU as WebGPU describes it. */
export interface AdapterInfo {
  /** Vendor, architecture, device and driver, as far as the browser tells. */
  description: string;
  /** Optional features that kernels may use. */
  features: string[];
  /** Whether the CPU does its work. */
  software: boolean;
}

/** What runs, and how it got there. */
export interface EngineInfo {
  /** Version of the engine, such as `"0.1.0"`. */
  version: string;
  device: "wasm" | "native" | "webgpu";
  /** The GPU, when the model runs on one. */
  adapter?: AdapterInfo;
  /** Why no GPU is used, when `"auto"` looked for one: a sentence to show. */
  reason?: string;
  /** Build that runs: `"simd"`, `"relaxed"`, `"relaxed-mt"` or `"native"`. */
  variant: string;
  /** Threads that kernels run on. */
  threads: number;
  /** Name that the model was resolved to; what completions call `model`. */
  name: string;
  /** What the core says of the model: sizes, types, memory. */
  model: ModelInfo;
  /** Where the weights came from. */
  source: WeightSource;
  /** Bytes that came over the network. */
  downloadedBytes: number;
  /** Seconds from the call until the engine was ready, downloads included. */
  loadSeconds: number;
  /** Whether the model has a chat template, which `chat.completions` needs. */
  hasChatTemplate: boolean;
}

/** Memory that a model takes. */
export interface MemoryNeed {
  device: "wasm" | "webgpu";
  /** Tokens that a conversation can hold. */
  contextLength: number;
  weightBytes: number;
  /** A step's intermediate values. */
  activationBytes: number;
  /** Keys and values of one conversation. */
  kvBytes: number;
  /** The sum. */
  bytes: number;
}

/** What a model's headers say. */
export interface Inspection {
  /** Name that the model was resolved to. */
  name: string;
  /** The licence, as the file or the place that it is from states it; "" when neither does. */
  license: string;
  /** What running it takes. */
  model: ModelInfo;
  /** Bytes of all files of the model, as far as their sizes are known. */
  totalBytes: number;
  /** Bytes of those that would be downloaded to run it. */
  missingBytes: number;
  /** Memory it takes, by context and device; on a GPU of usual features. */
  memory: MemoryNeed[];
  /** Each weight file's metadata and tensors. */
  files: (FileContents & { name: string; size: number; format: string })[];
}

/** What a text becomes, or a pair of texts. The lists are of one length. */
export interface Encoding {
  ids: number[];
  /**
   * Start and end of each token in its text: UTF-16 code units of a string, so that
   * `text.slice(...offset)` is the token's text; bytes of a `Uint8Array`. Always whole characters:
   * pieces of one character have all of it. `[0, 0]` for tokens that `addSpecial` added.
   */
  offsets: [number, number][];
  /** Which text each token belongs to, as the model counts them: mostly 0, and 1 for a pair's second. */
  typeIds: number[];
  /** Whether `addSpecial` added the token. */
  added: boolean[];
}

/** What a tokenizer says of itself. */
export interface TokenizerInfo {
  /** Name that the model was resolved to. */
  name: string;
  /** Number of token ids. */
  vocabSize: number;
  /** Text of the beginning-of-sequence token; may be empty. */
  bosToken: string;
  /** Text of the end-of-sequence token; may be empty. */
  eosToken: string;
  /** Tokens that end a turn. */
  stopIds: number[];
  /** Jinja source that makes a prompt of messages; may be empty. */
  chatTemplate: string;
}

/** Logits of a forward pass. */
export interface ForwardResult {
  rows: number;
  vocabSize: number;
  /** float32, (rows, vocabSize). */
  logits: Float32Array;
}

/** Time that a generation took. */
export interface Timings {
  /** Seconds from its start to the first token; waiting behind others is not counted. */
  prefillSeconds: number;
  /** Seconds from the first token to the last. */
  decodeSeconds: number;
  /** Tokens after the first, divided by `decodeSeconds`; 0 when there is none. */
  tokensPerSecond: number;
}
