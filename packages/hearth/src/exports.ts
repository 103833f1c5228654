// What every entry of the package exports, beside `createEngine` and `inspect`.

export type {
  Bandwidth,
  BenchmarkOptions,
  BenchmarkProgress,
  BenchmarkResult,
  DecodeFigures,
  KernelTime,
  PrefillFigures,
  Samples,
  TokenTimes,
} from "./engine/benchmark-types.js";
export type {
  AdapterReport,
  DiagnoseOptions,
  DiagnoseProgress,
  Diagnosis,
  KernelReport,
  MatrixShape,
} from "./engine/diagnosis-types.js";
export { type CallOptions, Engine, Tokenizer } from "./engine/engine.js";
export type {
  AdapterInfo,
  Assets,
  Device,
  Encoding,
  EngineInfo,
  EngineOptions,
  FileContents,
  ForwardResult,
  GpuRestrictions,
  HuggingFaceOptions,
  Inspection,
  MemoryNeed,
  ModelFiles,
  ModelInfo,
  ModelOptions,
  Progress,
  Timings,
  TokenizerInfo,
  WasmVariant,
  WeightSource,
} from "./engine/types.js";
export { type ErrorCode, HearthError, type SerializedError } from "./errors.js";
export { type Catalogue, type CatalogueModel, catalogue } from "./hub/catalogue.js";
export { type EnsuredFile, type EnsureOptions, ensureFile } from "./hub/ensure.js";
export { type FileSource, type ResolveContext, resolveModel } from "./hub/resolve.js";
export { type IsolateOptions, type Isolation, isolate } from "./isolate/isolate.js";
export type { ChatCompletions } from "./openai/chat.js";
export type { Completions } from "./openai/completions.js";
export { Stream } from "./openai/stream.js";
export type * from "./openai/types.js";
export { openStore, type Store, type StoredFile } from "./store/store.js";
export { detectFeatures, type WasmFeatures } from "./wasm/features.js";
export type { TemplateMessage } from "./worker/protocol.js";
