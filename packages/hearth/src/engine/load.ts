// From a model's open files to a session that can generate: headers, load plan, weights, tokenizer.

import type { ModelInfo, TokenizerOpened } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { OpenParams } from "../worker/protocol.js";
import { type OpenFile, type OpenFiles, openHeader, readText } from "./files.js";
import type { Meter } from "./meter.js";
import type { Inspection } from "./types.js";

/** What a loaded model is to the host: handles in the core, and what it says of itself. */
export interface Loaded {
  readonly session: number;
  readonly info: ModelInfo;
  /** Undefined when the model came without one. */
  readonly tokenizer: TokenizerOpened | undefined;
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
  };
}

/**
 * Loads the model into the core.
 *
 * @throws HearthError whatever the core finds wrong with the files, `out_of_memory`, `aborted`. The
 * core then holds parts of the model, and its owner closes it.
 */
export async function loadModel(
  core: Core,
  name: string,
  files: OpenFiles,
  params: OpenParams,
  meter: Meter,
  signal: AbortSignal,
): Promise<Loaded> {
  const headers = await openHeaders(core, files, signal);
  const request = modelRequest(headers, await readText(files.config), params);
  const { model, info, ranges, totalBytes } = await core.call("modelOpen", request);

  meter.start("load", name, files.source, totalBytes);
  const byHandle = new Map(headers.map((header) => [header.handle, header.file]));
  let loaded = 0;
  for (const [index, range] of ranges.entries()) {
    const file = byHandle.get(range.file);
    if (!file) throw new HearthError("internal", "The load plan names a file that is not open.");
    await core.load(range, file.stored, {
      name: file.name,
      signal,
      onBytes: (bytes) => {
        loaded += bytes;
        meter.update({
          phase: "load",
          file: name,
          source: files.source,
          loaded,
          total: totalBytes,
        });
      },
    });
    await core.call("rangeLoaded", { model, range: index });
    await yieldNow();
    throwIfAborted(signal);
  }
  await core.call("modelReady", { model });

  const tokenizer = await tokenizerOf(core, files, headers);
  for (const { handle } of headers) await core.call("fileClose", { file: handle });
  throwIfAborted(signal);
  const { session } = await core.call("sessionOpen", {
    model,
    tokenizer: tokenizer?.tokenizer ?? 0,
  });
  return { session, info, tokenizer };
}

async function tokenizerOf(
  core: Core,
  files: OpenFiles,
  headers: Header[],
): Promise<TokenizerOpened | undefined> {
  const gguf = headers.find((header) => header.format === "gguf");
  if (!files.tokenizer && !gguf) return undefined;
  return core.call("tokenizerOpen", {
    file: files.tokenizer ? 0 : (gguf?.handle ?? 0),
    tokenizerJson: await readText(files.tokenizer),
    tokenizerConfigJson: await readText(files.tokenizerConfig),
  });
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
): Promise<TokenizerOpened> {
  // A folder's tokenizer is in a file of its own, so its weights need not be looked at.
  const headers = files.tokenizer ? [] : await openHeaders(core, files, signal);
  const tokenizer = await tokenizerOf(core, files, headers);
  for (const { handle } of headers) await core.call("fileClose", { file: handle });
  return needTokenizer(tokenizer);
}

/** The tokenizer, or an error for the model that has none. */
export function needTokenizer(tokenizer: TokenizerOpened | undefined): TokenizerOpened {
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
  const request = modelRequest(headers, await readText(files.config), params);
  const model = await core.call("modelInspect", { ...request, memoryLimit: 0 });
  const contents: Inspection["files"] = [];
  for (const { file, handle, format } of headers) {
    const { metadata, tensors } = await core.call("fileContents", { file: handle });
    contents.push({ name: file.name, size: file.stored.size, format, metadata, tensors });
  }
  return { name, model, files: contents };
}

/**
 * Checks a weight file by its first bytes: that they are a header, of a model that can run in the
 * memory that there is. Takes no memory itself.
 *
 * @param head The first bytes, of `size` in all.
 * @returns 0, or how many first bytes it takes to tell.
 * @throws HearthError as `loadModel` does for what a header can show.
 */
export async function checkHead(
  core: Core,
  file: { name: string; config: string; head: Uint8Array; size: number },
  params: OpenParams,
): Promise<number> {
  const { name, size, head } = file;
  const { file: handle, need } = await core.call("fileOpen", { name, size, head });
  if (need > 0) return need;
  try {
    const request = modelRequest([{ handle }], file.config, params);
    // A limit past every memory has the core check against what it can address.
    const memoryLimit = params.memoryLimit ?? Number.MAX_SAFE_INTEGER;
    await core.call("modelInspect", { ...request, memoryLimit });
  } finally {
    await core.call("fileClose", { file: handle });
  }
  return 0;
}

/**
 * Lets messages in, so that an abort sent meanwhile is seen. A timer would wait four milliseconds in
 * a browser; a message to ourselves, or Node's setImmediate, waits for none.
 */
export function yieldNow(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    yields.push(resolve);
    channel ??= openChannel();
    channel.postMessage(null);
  });
}

const yields: (() => void)[] = [];
let channel: MessagePort | undefined;

function openChannel(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => yields.shift()?.();
  return port2;
}
