// What an engine and its worker say to each other. An app's thread sends requests; the worker answers
// each with any number of events and one result or error of the same id.

import type { GeneratedToken, SamplingParams } from "../abi.generated.js";
import type { BenchmarkProgress, BenchmarkResult } from "../engine/benchmark-types.js";
import type { DiagnoseProgress, Diagnosis } from "../engine/diagnosis-types.js";
import type {
  Device,
  Encoding,
  EngineInfo,
  ForwardResult,
  GpuRestrictions,
  HuggingFaceOptions,
  Inspection,
  ModelFiles,
  Progress,
  Timings,
  TokenizerInfo,
  WasmVariant,
} from "../engine/types.js";
import { HearthError, type SerializedError } from "../errors.js";

export interface OpenParams {
  model: string | File | readonly File[] | ModelFiles;
  huggingFace?: HuggingFaceOptions | undefined;
  device: Device;
  threads?: number | undefined;
  variant?: WasmVariant | undefined;
  contextLength?: number | undefined;
  maxBatch?: number | undefined;
  memoryLimit?: number | undefined;
  exact?: boolean | undefined;
  gpu?: GpuRestrictions | undefined;
  cacheDir?: string | undefined;
  nativePath?: string | undefined;
  /** The page's address, against which relative ones are read. */
  baseUrl?: string | undefined;
  /** Address of the folder of .wasm files, when the app named one. */
  wasmUrl?: string | undefined;
}

export interface BenchmarkParams {
  shape: string;
  contexts: number[];
  prefill: number;
  tokens: number;
  repeat: number;
  maxBatch?: number | undefined;
  software: boolean;
  gpu?: GpuRestrictions | undefined;
  variant?: WasmVariant | undefined;
  cacheDir?: string | undefined;
  wasmUrl?: string | undefined;
}

export interface DiagnoseParams {
  kernels: boolean;
  speeds: boolean;
  forget: boolean;
  gpu?: GpuRestrictions | undefined;
  variant?: WasmVariant | undefined;
  cacheDir?: string | undefined;
  wasmUrl?: string | undefined;
}

/** A message of a conversation, as templates read it: they may use whatever it holds. */
export interface TemplateMessage {
  role: string;
  content?: unknown;
  [key: string]: unknown;
}

export interface RenderParams {
  messages: TemplateMessage[];
  /** Functions that the model may call, as JSON schemas; none when empty. */
  tools: unknown[];
  addGenerationPrompt: boolean;
  /** What else the template may ask for, such as `enable_thinking`. */
  variables: Record<string, unknown>;
}

/** A prompt: a conversation, text, or ids. */
export type Prompt =
  | { kind: "chat"; messages: TemplateMessage[] }
  | { kind: "text"; text: string }
  | { kind: "ids"; ids: number[] };

export interface GenerateParams {
  prompt: Prompt;
  /** 0 for as many as the context holds. */
  maxTokens: number;
  stop: string[];
  sampling: SamplingParams;
  /** Alternatives to report; -1 for no log-probabilities. */
  logprobs: number;
}

export type GenerateEvent =
  | { kind: "started"; promptTokens: number; cachedTokens: number }
  | { kind: "text"; text: string; logprobs: GeneratedToken[] };

export interface GenerateResult {
  finishReason: "stop" | "length";
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  timings: Timings;
}

/** Every operation: what goes in, what is reported on the way, what comes out. */
export interface Operations {
  open: { params: OpenParams; event: Progress; result: EngineInfo };
  openTokenizer: { params: OpenParams; event: Progress; result: TokenizerInfo };
  inspect: { params: OpenParams; event: Progress; result: Inspection };
  generate: { params: GenerateParams; event: GenerateEvent; result: GenerateResult };
  renderChat: { params: RenderParams; event: never; result: string };
  tokenize: {
    params: { text: string | Uint8Array; addSpecial: boolean; parseSpecial: boolean };
    event: never;
    result: number[];
  };
  encode: {
    params: {
      text: string | Uint8Array;
      pair?: string | Uint8Array;
      addSpecial: boolean;
      parseSpecial: boolean;
    };
    event: never;
    result: Encoding;
  };
  detokenize: { params: { ids: number[]; skipSpecial: boolean }; event: never; result: string };
  score: { params: { ids: number[] }; event: never; result: Float32Array };
  forward: {
    params: { ids: number[]; all: boolean; reset: boolean };
    event: never;
    result: ForwardResult;
  };
  benchmark: { params: BenchmarkParams; event: BenchmarkProgress; result: BenchmarkResult };
  diagnose: { params: DiagnoseParams; event: DiagnoseProgress; result: Diagnosis };
  close: { params: null; event: never; result: null };
}

export type Operation = keyof Operations;

export type ToWorker =
  | {
      [O in Operation]: {
        type: "request";
        id: number;
        operation: O;
        params: Operations[O]["params"];
      };
    }[Operation]
  | { type: "abort"; id: number };

export type FromWorker =
  | { type: "event"; id: number; event: unknown }
  | { type: "result"; id: number; value: unknown }
  | { type: "error"; id: number; error: SerializedError };

/** One end of the line between an engine and its worker. */
export interface Port {
  post(message: unknown, transfer?: ArrayBuffer[]): void;
  /** Called with each message that arrives. */
  onMessage: ((message: unknown) => void) | undefined;
}

/** The app's end: also the worker's life. */
export interface WorkerPort extends Port {
  /** Called when the worker fails or ends by itself. */
  onLost: ((error: HearthError) => void) | undefined;
  /** Ends the worker at once. */
  terminate(): void | Promise<void>;
  /** Whether the worker keeps the process alive; Node only. */
  hold?(alive: boolean): void;
}

/** Checks the shape of a message from a worker; a stray one is a protocol error. */
export function asFromWorker(message: unknown): FromWorker {
  const candidate = message as Partial<FromWorker> | null;
  if (
    typeof candidate === "object" &&
    candidate !== null &&
    typeof candidate.id === "number" &&
    (candidate.type === "event" || candidate.type === "result" || candidate.type === "error")
  ) {
    return candidate as FromWorker;
  }
  throw new HearthError("internal", "The worker sent a message that is not of the protocol.");
}

const operations: Record<Operation, true> = {
  open: true,
  openTokenizer: true,
  inspect: true,
  generate: true,
  renderChat: true,
  tokenize: true,
  encode: true,
  detokenize: true,
  score: true,
  forward: true,
  benchmark: true,
  diagnose: true,
  close: true,
};

/** Checks the shape of a message to a worker. Messages of other senders give undefined. */
export function asToWorker(message: unknown): ToWorker | undefined {
  const candidate = message as Partial<ToWorker> | null;
  if (typeof candidate !== "object" || candidate === null) return undefined;
  if (typeof candidate.id !== "number") return undefined;
  if (candidate.type === "abort") return candidate as ToWorker;
  if (candidate.type !== "request") return undefined;
  const { operation } = candidate as { operation?: unknown };
  if (typeof operation !== "string" || !Object.hasOwn(operations, operation)) {
    throw new HearthError("internal", "A request names no operation of this worker.", {
      subject: String(operation),
    });
  }
  return candidate as ToWorker;
}
