/**
 * The part of the package `hearth` that the app leans on, as types. The store takes it as an
 * argument, so that tests drive it with an engine of their own.
 */

/** An entry of the catalogue, as the package has it. */
export interface CatalogueEntry {
  /** What `createEngine({ model })` takes. */
  name: string;
  title: string;
  description: string;
  license: string;
  /** Number of weights. */
  parameters: number;
  /** The file of the weights, with its size in bytes. */
  weights: { bytes: number };
}

/** An entry of the catalogue, as the picker shows it. */
export interface CatalogueModel {
  id: string;
  name: string;
  description: string;
  license: string;
  /** Number of weights. */
  parameters: number;
  /** Size of the download, in bytes. */
  bytes: number;
}

/** What `onProgress` reports. */
export interface Progress {
  phase: "resolve" | "download" | "compile" | "load" | "ready";
  /** Bytes so far. */
  loaded: number;
  /** Bytes in all; 0 when the server does not say. */
  total: number;
  bytesPerSecond?: number | undefined;
  secondsLeft?: number | undefined;
}

/** What `engine.info` says about the engine that runs. */
export interface EngineInfo {
  /** Name that the model was resolved to. */
  name: string;
  model: {
    parameters: number;
    contextLength: number;
    /** Bytes that it takes in memory, in three parts. */
    weightBytes: number;
    activationBytes: number;
    kvBytes: number;
  };
  device: string;
  /** The GPU that it runs on. */
  adapter?: Adapter;
  /** Why it does not run on a GPU. */
  reason?: string;
  /** Build of the core that runs, such as "relaxed-mt". */
  variant: string;
  threads: number;
  source: "store" | "network" | "file";
  downloadedBytes: number;
  loadSeconds: number;
}

export interface Adapter {
  description: string;
  features: string[];
  software: boolean;
}

/** One kernel of the GPU's, held against the CPU. */
export interface KernelReport {
  name: string;
  ok: boolean;
  error: number;
  tolerance: number;
  failure?: string;
  bytesPerSecond?: number;
  flops?: number;
}

/** What `diagnose` says of the device. */
export interface Diagnosis {
  adapter?: Adapter;
  reason?: string;
  kernels: KernelReport[];
}

export interface CheckProgress {
  phase: "check" | "time";
  kernel: string;
  done: number;
  total: number;
}

export type Diagnose = (options: {
  speeds: boolean;
  onProgress: (progress: CheckProgress) => void;
  signal: AbortSignal;
}) => Promise<Diagnosis>;

export interface ChatMessage {
  role: "system" | "user" | "assistant";
  content: string;
}

export interface ChatRequest {
  messages: ChatMessage[];
  stream: true;
  stream_options: { include_usage: true };
  temperature: number;
  top_p: number;
  max_tokens: number;
  seed?: number;
}

export interface ChatChunk {
  choices: {
    delta: { content?: string | null | undefined };
    finish_reason?: string | null | undefined;
  }[];
  usage?: { prompt_tokens: number; completion_tokens: number } | null | undefined;
  hearth?:
    | { prefillSeconds: number; decodeSeconds: number; tokensPerSecond: number }
    | null
    | undefined;
}

export interface Engine {
  readonly info: EngineInfo;
  readonly chat: {
    completions: {
      create(
        request: ChatRequest,
        options?: { signal?: AbortSignal },
      ): Promise<AsyncIterable<ChatChunk>>;
    };
  };
  close(): void | Promise<void>;
}

/** What a caller may name a model by: a name or an address, or files in the user's hands. */
export type ModelChoice = string | readonly File[];

/** What `inspect` says of a model, from its headers. */
export interface Inspection {
  name: string;
  /** "" when nobody states one. */
  license: string;
  model: {
    architecture: string;
    parameters: number;
    trainedContext: number;
    /** Types of the weights, largest first. */
    dtypes: { dtype: string; bytes: number }[];
  };
  totalBytes: number;
  missingBytes: number;
  memory: { device: "wasm" | "webgpu"; contextLength: number; bytes: number }[];
}

export type Inspect = (model: ModelChoice, options: { signal: AbortSignal }) => Promise<Inspection>;

export type CreateEngine = (options: {
  model: ModelChoice;
  device: "auto";
  onProgress: (progress: Progress) => void;
  signal: AbortSignal;
}) => Promise<Engine>;
