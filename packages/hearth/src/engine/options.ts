// Checks what an app passes to `createEngine`, before a worker is started for it.

import { boolean, integer, invalid } from "../openai/check.js";
import type { EngineOptions } from "./types.js";

const devices = ["auto", "wasm", "native", "webgpu"];
const variants = ["simd", "relaxed", "relaxed-mt"];
/** More threads than any kernel divides into. */
const mostThreads = 64;

/** Throws `invalid_argument` with the option as subject. */
export function checkOptions(options: EngineOptions): void {
  const { model, device = "auto", variant } = options;
  const named = typeof model === "string" && model !== "";
  if (!named && (typeof model !== "object" || model === null)) {
    throw invalid("model", "must be a name, an address, a path, a File or a list of files.");
  }
  checkHuggingFace(options.huggingFace);
  if (!devices.includes(device)) throw invalid("device", `must be one of ${devices.join(", ")}.`);
  checkVariant(variant);
  integer(options.threads, "threads", 1, { least: 1, most: mostThreads });
  const whole = { least: 1, most: 0xffffffff };
  integer(options.contextLength, "contextLength", 1, whole);
  integer(options.maxBatch, "maxBatch", 1, whole);
  integer(options.memoryLimit, "memoryLimit", 1, { least: 1, most: Number.MAX_SAFE_INTEGER });
  boolean(options.exact, "exact");
  checkGpu(options.gpu);
}

function checkHuggingFace(given: EngineOptions["huggingFace"]): void {
  if (given === undefined) return;
  if (typeof given !== "object" || given === null)
    throw invalid("huggingFace", "must be an object.");
  for (const key of ["endpoint", "token"] as const) {
    const value: unknown = given[key];
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw invalid(`huggingFace.${key}`, "must be a text.");
    }
  }
}

export function checkVariant(variant: EngineOptions["variant"]): void {
  if (variant === undefined || variants.includes(variant)) return;
  throw invalid("variant", `must be one of ${variants.join(", ")}.`);
}

export function checkGpu(gpu: EngineOptions["gpu"]): void {
  if (gpu === undefined) return;
  if (typeof gpu !== "object" || gpu === null) throw invalid("gpu", "must be an object.");
  const { features = [], maxBindingBytes } = gpu;
  if (!Array.isArray(features) || features.some((name) => typeof name !== "string")) {
    throw invalid("gpu.features", "must be a list of names.");
  }
  // Every adapter has bindings of 128 MB, and no matrix is cut finer than a megabyte.
  const whole = { least: 1 << 20, most: Number.MAX_SAFE_INTEGER };
  integer(maxBindingBytes, "gpu.maxBindingBytes", whole.most, whole);
}
