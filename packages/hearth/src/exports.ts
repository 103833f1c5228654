// What every entry of the package exports, beside `createEngine` and `inspect`.

export { type CallOptions, Engine } from "./engine/engine.js";
export type {
  Assets,
  Device,
  EngineInfo,
  EngineOptions,
  FileContents,
  ForwardResult,
  Inspection,
  ModelFiles,
  ModelInfo,
  ModelOptions,
  Progress,
  Timings,
  WasmVariant,
  WeightSource,
} from "./engine/types.js";
export { type ErrorCode, HearthError, type SerializedError } from "./errors.js";
export type { FileSource } from "./hub/resolve.js";
export type { ChatCompletions } from "./openai/chat.js";
export type { Completions } from "./openai/completions.js";
export { Stream } from "./openai/stream.js";
export type * from "./openai/types.js";
export { detectFeatures, type WasmFeatures } from "./wasm/features.js";
