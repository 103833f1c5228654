// From a model's open files to a session that can generate: headers, load plan, weights, tokenizer.

import type { GpuAdapter, ModelInfo, TokenizerOpened } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "../gpu/adapter.js";
import { loadOnGpu } from "../gpu/load.js";
import { GpuStepper, runAhead } from "../gpu/stepper.js";
import { toolTemplateOf } from "../openai/template.js";
import { isNode } from "../store/store.js";
import type { OpenParams } from "../worker/protocol.js";
import { type OpenFile, type OpenFiles, openHeader, readText } from "./files.js";
import type { Meter } from "./meter.js";
import type { Place } from "./place.js";
import { CoreStepper, type Stepper } from "./stepper.js";
import type { Inspection, MemoryNeed } from "./types.js";
import { yieldNow } from "./yield.js";

/** What a loaded model is to the host: handles in the core, and what it says of itself. */
export interface Loaded {
  readonly session: number;
  /** What runs the session. */
  readonly stepper: Stepper;
  readonly info: ModelInfo;
  /** Undefined when the model came without one. */
  readonly tokenizer: OpenTokenizer | undefined;
}

interface Header {
  readonly file: OpenFile;
  readonly handle: number;
  readonly format: string;
}

async function openHeaders(core: Core, files: OpenFiles, signal: AbortSignal): Promise<Header[]> {
  const headers: Header[] = [];
  for (const file of files.weights) {
    headers.push({ file, ...(await openHeader(core, file, signal)) });
  }
  return headers;
}

function modelRequest(headers: { handle: number }[], configJson: string, params: OpenParams) {
  return {
    files: headers.map((header) => header.handle),
    configJson,
    contextLength: params.contextLength ?? 0,
    maxBatch: params.maxBatch ?? 0,
    memoryLimit: params.memoryLimit ?? 0,
    exact: params.exact ?? false,
    shape: "",
    gpu: [] as GpuAdapter[],
  };
}

/** A model in its place, before it has a session. */
interface InPlace {
  readonly model: number;
  readonly info: ModelInfo;
  stepper(session: number): Stepper;
}

/** What the two ways of loading are given. */
interface Loading {
  readonly name: string;
  readonly files: OpenFiles;
  readonly headers: Header[];
  readonly request: ReturnType<typeof modelRequest>;
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/**
 * Loads the model where it is to run.
 *
 * @throws HearthError whatever the core finds wrong with the files, `out_of_memory`, `gpu_error`,
 * `device_lost`, `aborted`. The place then holds parts of the model, and its owner closes it.
 */
export async function loadModel(
  place: Place,
  name: string,
  files: OpenFiles,
  params: OpenParams,
  meter: Meter,
  signal: AbortSignal,
): Promise<Loaded> {
  const { core, gpu } = place;
  const headers = await openHeaders(core, files, signal);
  const request = modelRequest(headers, await readText(files.config), params);
  const loading = { name, files, headers, request, meter, signal };
  const { model, info, stepper } = gpu
    ? await loadThere(place, gpu, loading)
    : await loadHere(core, loading);

  const tokenizer = await tokenizerOf(core, files, headers);
  for (const { handle } of headers) await core.call("fileClose", { file: handle });
  throwIfAborted(signal);
  const { session } = await core.call("sessionOpen", {
    model,
    tokenizer: tokenizer?.tokenizer ?? 0,
  });
  return { session, stepper: stepper(session), info, tokenizer };
}

/** Counts bytes of weights for the meter, from `start` on. */
function weightsMeter({ meter, name, files }: Loading) {
  const { source } = files;
  let loaded = 0;
  let total = 0;
  return {
    start(bytes: number) {
      total = bytes;
      meter.start("load", name, source, total);
    },
    add(bytes: number) {
      loaded += bytes;
      meter.update({ phase: "load", file: name, source, loaded, total });
    },
  };
}

/** Into the core's own memory. */
async function loadHere(core: Core, loading: Loading): Promise<InPlace> {
  const { headers, request, signal } = loading;
  const { model, info, ranges, totalBytes } = await core.call("modelOpen", request);
  const weights = weightsMeter(loading);
  weights.start(totalBytes);
  const byHandle = new Map(headers.map((header) => [header.handle, header.file]));
  for (const [index, range] of ranges.entries()) {
    const file = byHandle.get(range.file);
    if (!file) throw new HearthError("internal", "The load plan names a file that is not open.");
    const options = { name: file.name, signal, onBytes: weights.add };
    await core.load(range, file.stored, options);
    await core.call("rangeLoaded", { model, range: index });
    await yieldNow();
    throwIfAborted(signal);
  }
  await core.call("modelReady", { model });
  return { model, info, stepper: (session) => new CoreStepper(core, session) };
}

/** Onto the GPU: no weight enters the core's memory. */
async function loadThere(place: Place, gpu: Gpu, loading: Loading): Promise<InPlace> {
  const { request, files, signal } = loading;
  const { core } = place;
  const weights = weightsMeter(loading);
  const { model, info, gpuModel } = await loadOnGpu(core, gpu, request, request.files, files, {
    signal,
    onTotal: weights.start,
    onBytes: weights.add,
    reopen: (again) => place.reopenGpu(again),
  });
  const ahead = isNode() ? runAhead.node : runAhead.browser;
  const { vocabSize } = info;
  const stepper = (session: number) =>
    new GpuStepper(core, gpuModel, { session, vocabSize, ahead });
  return { model, info, stepper };
}

/** A tokenizer in the core, and the templates beside it. */
export interface OpenTokenizer extends TokenizerOpened {
  /** Jinja source for conversations with tools, where it is another. */
  readonly toolTemplate: string;
}

async function tokenizerOf(
  core: Core,
  files: OpenFiles,
  headers: Header[],
): Promise<OpenTokenizer | undefined> {
  const gguf = headers.find((header) => header.format === "gguf");
  if (!files.tokenizer && !gguf) return undefined;
  const tokenizerConfigJson = await readText(files.tokenizerConfig);
  const opened = await core.call("tokenizerOpen", {
    file: files.tokenizer ? 0 : (gguf?.handle ?? 0),
    tokenizerJson: await readText(files.tokenizer),
    tokenizerConfigJson,
  });
  // A template in a file of its own is the newer form, and goes before others.
  const chatTemplate = await readText(files.chatTemplate);
  if (chatTemplate !== "") return { ...opened, chatTemplate, toolTemplate: "" };
  return { ...opened, toolTemplate: toolTemplateOf(tokenizerConfigJson) };
}

/**
 * Opens a model's tokenizer and reads no weights.
 *
 * @throws HearthError `unsupported_tokenizer` when the model has none, or what is wrong with it.
 */
export async function loadTokenizer(
  core: Core,
  files: OpenFiles,
  signal: AbortSignal,
): Promise<OpenTokenizer> {
  // A folder's tokenizer is in a file of its own, so its weights need not be looked at.
  const headers = files.tokenizer ? [] : await openHeaders(core, files, signal);
  const tokenizer = await tokenizerOf(core, files, headers);
  for (const { handle } of headers) await core.call("fileClose", { file: handle });
  return needTokenizer(tokenizer);
}

/** The tokenizer, or an error for the model that has none. */
export function needTokenizer(tokenizer: OpenTokenizer | undefined): OpenTokenizer {
  if (tokenizer) return tokenizer;
  throw new HearthError("unsupported_tokenizer", "The model came without a tokenizer.");
}

/** Reads the headers only: no weights, next to no memory. */
export async function inspectModel(
  core: Core,
  name: string,
  files: OpenFiles,
  params: OpenParams,
  signal: AbortSignal,
): Promise<Inspection> {
  const headers = await openHeaders(core, files, signal);
  const configJson = await readText(files.config);
  const request = { ...modelRequest(headers, configJson, params), memoryLimit: 0 };
  const model = await core.call("modelInspect", request);
  const memory = await memoryNeeds(core, request, model);
  const contents: Inspection["files"] = [];
  for (const { file, handle, format } of headers) {
    const { metadata, tensors } = await core.call("fileContents", { file: handle });
    contents.push({ name: file.name, size: file.stored.size, format, metadata, tensors });
  }
  const { totalBytes, missingBytes } = files;
  const license = model.license || files.license;
  return { name, license, model, totalBytes, missingBytes, memory, files: contents };
}

// What most cards of the last years offer. A card's limits cut matrices in pieces, whose sum they do
// not change.
const usualGpu: GpuAdapter = {
  description: "a usual graphics card",
  features: ["subgroups", "shader-f16"],
  maxBindingBytes: 2 ** 31 - 4,
  maxBufferBytes: 2 ** 32,
  maxInvocations: 1024,
  maxWorkgroupBytes: 32768,
  subgroupMin: 32,
  subgroupMax: 32,
  refused: [],
  choices: [],
};

// A chat, a long document, a book: those that fit, and the model's own.
const contexts = [4096, 16384, 65536];

/** What the model takes in memory at some lengths of context, on each kind of device. */
async function memoryNeeds(
  core: Core,
  request: ReturnType<typeof modelRequest>,
  { contextLength: chosen, trainedContext }: ModelInfo,
): Promise<MemoryNeed[]> {
  const lengths = [chosen, ...contexts.filter((length) => length < trainedContext), trainedContext];
  const needs: MemoryNeed[] = [];
  for (const contextLength of [...new Set(lengths)].sort((a, b) => a - b)) {
    for (const device of ["wasm", "webgpu"] as const) {
      const gpu = device === "webgpu" ? [usualGpu] : [];
      try {
        const info = await core.call("modelInspect", { ...request, contextLength, gpu });
        const { weightBytes, activationBytes, kvBytes } = info;
        const bytes = weightBytes + activationBytes + kvBytes;
        needs.push({ device, contextLength, weightBytes, activationBytes, kvBytes, bytes });
      } catch (error) {
        // Some models run on one of the two only.
        if (HearthError.from(error).code !== "unsupported_device") throw error;
      }
    }
  }
  return needs;
}

/**
 * Checks a weight file by its first bytes: that they are a header, of a model that can run in the
 * memory that there is. Takes no memory itself.
 *
 * @param file `head` is its first bytes, of `size` in all.
 * @param gpu Where the model is to run, if not on the CPU.
 * @returns 0, or how many first bytes it takes to tell.
 * @throws HearthError as `loadModel` does for what a header can show.
 */
export async function checkHead(
  core: Core,
  file: { name: string; config: string; head: Uint8Array; size: number },
  params: OpenParams,
  gpu?: Gpu,
): Promise<number> {
  const { name, size, head } = file;
  const { file: handle, need } = await core.call("fileOpen", { name, size, head });
  if (need > 0) return need;
  try {
    await checkHandles(core, [{ handle }], file.config, params, gpu);
  } finally {
    await core.call("fileClose", { file: handle });
  }
  return 0;
}

/** The same for a model in several files, of which the headers can be read. */
export async function checkHeaders(
  core: Core,
  weights: readonly OpenFile[],
  config: string,
  params: OpenParams,
  signal: AbortSignal,
  gpu?: Gpu,
): Promise<void> {
  const headers: { handle: number }[] = [];
  try {
    for (const file of weights) headers.push(await openHeader(core, file, signal));
    await checkHandles(core, headers, config, params, gpu);
  } finally {
    for (const { handle } of headers) await core.call("fileClose", { file: handle });
  }
}

async function checkHandles(
  core: Core,
  headers: { handle: number }[],
  config: string,
  params: OpenParams,
  gpu: Gpu | undefined,
): Promise<void> {
  const request = modelRequest(headers, config, params);
  // A limit past every memory has the core check against what it can address.
  const memoryLimit = params.memoryLimit ?? Number.MAX_SAFE_INTEGER;
  const adapters = gpu ? [gpu.adapter] : [];
  const info = await core.call("modelInspect", { ...request, memoryLimit, gpu: adapters });
  if (gpu) await checkMemory(gpu, info);
}

/** Throws `out_of_memory` when a GPU does not give as much memory as a model will take. */
async function checkMemory(gpu: Gpu, info: ModelInfo): Promise<void> {
  const bytes = info.weightBytes + info.activationBytes + info.kvBytes;
  if (await gpu.device.fits(bytes, gpu.adapter.maxBufferBytes)) return;
  const gigabytes = (bytes / 1e9).toFixed(1);
  throw new HearthError(
    "out_of_memory",
    `The model takes ${gigabytes} GB, more than the graphics card has free.`,
    { subject: gpu.adapter.description },
  );
}
