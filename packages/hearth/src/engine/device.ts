// What an app asks of the device itself, without a model of its own: `benchmark` and `diagnose`.

import { boolean, integer, invalid } from "../openai/check.js";
import type { BenchmarkParams, DiagnoseParams, Operations } from "../worker/protocol.js";
import type { BenchmarkOptions, BenchmarkResult } from "./benchmark-types.js";
import type { DiagnoseOptions, Diagnosis } from "./diagnosis-types.js";
import type { AppPlatform } from "./engine.js";
import { checkGpu, checkVariant } from "./options.js";
import { startWorker } from "./start.js";
import type { Assets } from "./types.js";

/** Contexts of a first question, of a long document and of what fills most models' attention. */
const contexts = [0, 4096, 16384];
/** Most tokens of a context or a run: past every model's, and few enough to write down. */
const mostTokens = 1 << 20;
/** Most repetitions, so that a slip of the keyboard does not run all night. */
const mostRepeats = 1000;

function benchmarkParams(options: BenchmarkOptions, platform: AppPlatform): BenchmarkParams {
  const { shape, assets } = options;
  if (typeof shape !== "string" || shape === "") throw invalid("shape", "must be a name.");
  const wanted = options.contexts ?? contexts;
  if (!Array.isArray(wanted) || wanted.length === 0) {
    throw invalid("contexts", "must be a list of numbers.");
  }
  const some = { least: 1, most: mostTokens };
  checkVariant(options.variant);
  checkGpu(options.gpu);
  return {
    shape,
    contexts: wanted.map((context) => integer(context, "contexts", 0, { ...some, least: 0 })),
    prefill: integer(options.prefill, "prefill", 512, some),
    tokens: integer(options.tokens, "tokens", 64, some),
    repeat: integer(options.repeat, "repeat", 3, { least: 1, most: mostRepeats }),
    maxBatch:
      options.maxBatch === undefined ? undefined : integer(options.maxBatch, "maxBatch", 1, some),
    software: boolean(options.software, "software"),
    gpu: options.gpu,
    variant: options.variant,
    cacheDir: options.cacheDir,
    wasmUrl: wasmUrlOf(assets, platform),
  };
}

function wasmUrlOf(assets: Assets | undefined, platform: AppPlatform): string | undefined {
  return assets?.wasm === undefined ? undefined : platform.resolveWasm(assets.wasm);
}

/** `benchmark` on a platform. */
export async function benchmarkOn(
  options: BenchmarkOptions,
  platform: AppPlatform,
): Promise<BenchmarkResult> {
  const params = benchmarkParams(options, platform);
  return once("benchmark", params, options, platform);
}

/** `diagnose` on a platform. */
export async function diagnoseOn(
  options: DiagnoseOptions,
  platform: AppPlatform,
): Promise<Diagnosis> {
  checkVariant(options.variant);
  checkGpu(options.gpu);
  const { kernels = true, speeds = true } = options;
  const params: DiagnoseParams = {
    kernels: boolean(kernels, "kernels"),
    speeds: boolean(speeds, "speeds"),
    forget: boolean(options.forget, "forget"),
    gpu: options.gpu,
    variant: options.variant,
    cacheDir: options.cacheDir,
    wasmUrl: wasmUrlOf(options.assets, platform),
  };
  return once("diagnose", params, options, platform);
}

/** One operation in a worker of its own. */
async function once<O extends "benchmark" | "diagnose">(
  operation: O,
  params: Operations[O]["params"],
  options: Pick<BenchmarkOptions & DiagnoseOptions, "assets" | "signal"> & {
    onProgress?: (progress: Operations[O]["event"]) => void;
  },
  platform: AppPlatform,
): Promise<Operations[O]["result"]> {
  const { assets = {}, signal, onProgress } = options;
  const onEvent = onProgress as ((event: unknown) => void) | undefined;
  const { client, result } = await startWorker(
    operation,
    params,
    { assets, signal, onEvent },
    platform,
  );
  await client.close();
  return result;
}
