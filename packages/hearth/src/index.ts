// The package in a browser: dist/index.js.

import type { BenchmarkOptions, BenchmarkResult } from "./engine/benchmark-types.js";
import { benchmarkOn, diagnoseOn } from "./engine/device.js";
import type { DiagnoseOptions, Diagnosis } from "./engine/diagnosis-types.js";
import {
  type Engine,
  inspectOn,
  openEngine,
  openTokenizerOn,
  type Tokenizer,
} from "./engine/engine.js";
import type { EngineOptions, Inspection, ModelOptions } from "./engine/types.js";
import { browserApp } from "./worker/spawn-browser.js";

export * from "./exports.js";

/**
 * Loads a model into a new worker. The first time, its files are downloaded into the store; from then
 * on they are read from there.
 *
 * @throws HearthError `invalid_argument` for an option out of range; `unknown_model`, `not_found`,
 * `http_status`, `connection_lost`, `checksum_mismatch`, `storage_full` while getting the files;
 * `bad_magic`, `truncated_data`, `unsupported_architecture` and the like for files that are not as
 * they should be; `out_of_memory`; `unsupported_device`; `aborted`. Nothing is left running then.
 *
 * @example
 * const engine = await createEngine({
 *   model: "smollm2-135m-instruct",
 *   onProgress: ({ phase, loaded, total }) => console.log(phase, loaded, total),
 * });
 */
export function createEngine(options: EngineOptions): Promise<Engine> {
  return openEngine(options, browserApp);
}

/**
 * Opens a model's tokenizer alone: no weights are read into memory.
 *
 * @throws HearthError as `createEngine` does; `unsupported_tokenizer` when the model has none.
 *
 * @example
 * const tokenizer = await openTokenizer("smollm2-135m-instruct");
 * console.log(await tokenizer.tokenize("Hello there"));
 */
export function openTokenizer(
  model: ModelOptions["model"],
  options: Omit<ModelOptions, "model"> = {},
): Promise<Tokenizer> {
  return openTokenizerOn(model, options, browserApp);
}

/**
 * Reads a model's headers: what it is, what it holds and what running it takes. No weights are read
 * into memory.
 *
 * @throws HearthError as `createEngine` does.
 *
 * @example
 * const { model, files } = await inspect("smollm2-135m-instruct");
 * console.log(model.parameters, files[0]?.tensors.length);
 */
export function inspect(
  model: ModelOptions["model"],
  options: Omit<ModelOptions, "model"> = {},
): Promise<Inspection> {
  return inspectOn(model, options, browserApp);
}

/**
 * Measures how fast a model of a known shape would run on the GPU, with weights that are made up, so
 * that nothing is downloaded.
 *
 * @throws HearthError `invalid_argument` for a shape that is not known or an option out of range;
 * `unsupported_device` without a GPU, or with one in software only unless `software` is true;
 * `out_of_memory`; `gpu_error`; `device_lost`; `aborted`.
 *
 * @example
 * const { decode } = await benchmark({ shape: "llama-3.2-1b", contexts: [0] });
 * console.log(decode[0]?.tokensPerSecond);
 */
export function benchmark(options: BenchmarkOptions): Promise<BenchmarkResult> {
  return benchmarkOn(options, browserApp);
}

/**
 * Says what this device can do, holds every kernel against the CPU and, on a real GPU, times those for
 * matrices. Verdicts are remembered, so that engines need not check again.
 *
 * @throws HearthError `unsupported_device` when not even the core runs here; `invalid_argument`;
 * `aborted`. A GPU that is missing or wrong is part of the answer.
 *
 * @example
 * const { adapter, reason, kernels } = await diagnose();
 * console.log(adapter?.description ?? reason, kernels.filter(({ ok }) => !ok));
 */
export function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  return diagnoseOn(options, browserApp);
}
