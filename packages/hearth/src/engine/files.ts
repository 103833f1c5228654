// Gets a model's files into the store and opens their headers in the core.

import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import {
  type DownloadProgress,
  type ensureFile,
  type HeadCheck,
  openKnown,
} from "../hub/ensure.js";
import { allFiles, type FileSource, type ModelFiles } from "../hub/model-files.js";
import { RemoteFile } from "../hub/remote.js";
import type { Store, StoredFile } from "../store/store.js";
import { Meter } from "./meter.js";
import type { WeightSource } from "./types.js";

/** How many first bytes of a file the core is given to begin with. */
const headBytes = 64 * 1024;
/** tokenizer.json of the largest vocabularies is 35 MB; more than this is no configuration. */
const largestText = 256 * 1024 * 1024;

export interface OpenFile {
  readonly name: string;
  readonly stored: StoredFile;
}

export interface OpenFiles {
  readonly weights: OpenFile[];
  readonly config: OpenFile | undefined;
  readonly tokenizer: OpenFile | undefined;
  readonly tokenizerConfig: OpenFile | undefined;
  readonly chatTemplate: OpenFile | undefined;
  /** Where the weights came from: the network if any part of them did. */
  readonly source: WeightSource;
  readonly downloadedBytes: number;
  /** Bytes of all files of the model, and of those that are not here. */
  readonly totalBytes: number;
  readonly missingBytes: number;
  /** The licence as the place that the model is from states it; "" when it does not. */
  readonly license: string;
  /** Where the files are kept. */
  readonly store: Store;
  /** The same files, opened again after they were closed. */
  reopen(signal: AbortSignal): Promise<OpenFiles>;
  close(): void;
}

/** Checks before gigabytes are downloaded whether they are worth it. */
export interface WeightChecks {
  /** Of one file while it comes; `config` is the text of config.json, or "". */
  head(name: string, config: string): HeadCheck;
  /** Of several, by their headers. Throws what is wrong with them. */
  headers(weights: OpenFile[], config: string): Promise<void>;
}

/** Where files come from, and who is told. */
export interface Obtaining {
  readonly store: Store;
  readonly ensure: typeof ensureFile;
  readonly meter: Meter;
  readonly signal: AbortSignal;
  readonly checks?: WeightChecks | undefined;
  /**
   * What the files are for. To read `headers`, weights that are not here are looked at where they are,
   * and the tokenizer's files are left; for a `tokenizer`, weights are looked at only when no file
   * beside them has it.
   */
  readonly purpose: "run" | "headers" | "tokenizer";
}

/**
 * Has the files of the model at hand that the purpose needs, downloading what is missing. When it
 * fails, the files it had opened are closed again.
 */
export async function obtainFiles(files: ModelFiles, how: Obtaining): Promise<OpenFiles> {
  const { signal } = how;
  const opened = new Map<FileSource, OpenFile>();
  const close = () => {
    for (const file of opened.values()) file.stored.close();
    opened.clear();
  };
  try {
    const got = await obtainAll(files, how, opened);
    const find = (of: FileSource | undefined) => (of ? opened.get(of) : undefined);
    const again = { ...how, meter: new Meter(() => {}), checks: undefined };
    return {
      weights: files.weights.map(find).filter((file) => file !== undefined),
      config: find(files.config),
      tokenizer: find(files.tokenizer),
      tokenizerConfig: find(files.tokenizerConfig),
      chatTemplate: find(files.chatTemplate),
      ...got,
      license: files.license ?? "",
      store: how.store,
      reopen: (signal) => obtainFiles(files, { ...again, signal }),
      close,
    };
  } catch (error) {
    close();
    throwIfAborted(signal);
    throw error;
  }
}

/** Which files the purpose needs whole, the small ones that say what the model is first. */
function neededWhole(files: ModelFiles, purpose: Obtaining["purpose"]): FileSource[] {
  const { config, weights, tokenizer, tokenizerConfig, chatTemplate } = files;
  const wanted = {
    run: [config, ...weights, tokenizer, tokenizerConfig, chatTemplate],
    headers: [config],
    tokenizer: [tokenizer, tokenizerConfig, chatTemplate],
  }[purpose];
  return wanted.filter((source) => source !== undefined);
}

async function obtainAll(
  files: ModelFiles,
  how: Obtaining,
  opened: Map<FileSource, OpenFile>,
): Promise<Pick<OpenFiles, "source" | "downloadedBytes" | "totalBytes" | "missingBytes">> {
  const { store, ensure, signal, purpose, checks } = how;
  const { weights, config } = files;
  const wanted = neededWhole(files, purpose);
  const configText = async () => readText(config && opened.get(config));
  const report = new Report(how.meter, wanted);
  const sizes = new Map(allFiles(files).map((source) => [source, source.size ?? 0]));
  let downloadedBytes = 0;
  let missingBytes = 0;
  let source: WeightSource | undefined;
  let checked = false;
  for (const file of wanted) {
    throwIfAborted(signal);
    const isWeights = weights.includes(file);
    if (isWeights && checks && weights.length > 1 && !checked) {
      checked = true;
      await checkHeaders(files, how, checks, await configText());
    }
    const check =
      isWeights && checks && weights.length === 1
        ? checks.head(file.name, await configText())
        : undefined;
    const result = await ensure(store, file, { signal, check, onProgress: report.of(file) });
    opened.set(file, { name: file.name, stored: result.file });
    sizes.set(file, result.file.size);
    report.done(file, result.file.size);
    downloadedBytes += result.downloadedBytes;
    if (isWeights && source !== "network") source = result.origin;
  }
  const looked = purpose === "headers" || (purpose === "tokenizer" && !files.tokenizer);
  for (const file of looked ? weights : []) {
    const { stored, remote } = await openStart(file, how);
    opened.set(file, { name: file.name, stored });
    sizes.set(file, stored.size);
    if (remote) missingBytes += stored.size;
  }
  for (const file of allFiles(files)) {
    const here = opened.has(file) || file.path !== undefined || file.blob !== undefined;
    if (!here && (await store.note(file.key)) === undefined) missingBytes += sizes.get(file) ?? 0;
  }
  const totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return { source: source ?? "file", downloadedBytes, totalBytes, missingBytes };
}

/** A file whose start will do: as it is where it is here, else at its address. */
async function openStart(
  file: FileSource,
  { store, ensure, signal, meter }: Obtaining,
): Promise<{ stored: StoredFile; remote: boolean }> {
  const isHere = file.path !== undefined || file.blob !== undefined;
  const known = isHere ? undefined : await openKnown(store, file);
  if (known) return { stored: known, remote: false };
  if (!isHere && file.urls.some((url) => /^https?:/i.test(url))) {
    try {
      return { stored: await RemoteFile.open(file, { signal }), remote: true };
    } catch (error) {
      throwIfAborted(signal);
      // An archive has no addresses inside it: what is in one has to be got whole.
      if (file.urls.every((url) => /^https?:/i.test(url))) throw error;
    }
  }
  const onProgress = new Report(meter, [file]).of(file);
  return { stored: (await ensure(store, file, { signal, onProgress })).file, remote: false };
}

/** Has the headers of a model in parts checked, unless all of it is here. */
async function checkHeaders(
  files: ModelFiles,
  how: Obtaining,
  checks: WeightChecks,
  config: string,
): Promise<void> {
  const starts: OpenFile[] = [];
  let missing = false;
  try {
    for (const file of files.weights) {
      const { stored, remote } = await openStart(file, how);
      starts.push({ name: file.name, stored });
      missing ||= remote;
    }
    if (missing) await checks.headers(starts, config);
  } finally {
    for (const start of starts) start.stored.close();
  }
}

/** Tells the meter of several downloads as of one. */
class Report {
  readonly #meter: Meter;
  readonly #sizes: Map<FileSource, number>;
  #doneBytes = 0;
  #started = false;

  constructor(meter: Meter, files: readonly FileSource[]) {
    this.#meter = meter;
    this.#sizes = new Map(files.map((file) => [file, file.size ?? 0]));
  }

  done(file: FileSource, size: number): void {
    this.#sizes.set(file, size);
    this.#doneBytes += size;
  }

  of(file: FileSource) {
    const before = this.#doneBytes;
    return ({ loaded, total, resumedFrom }: DownloadProgress) => {
      this.#sizes.set(file, Math.max(total, 0));
      const all = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
      const update = (bytes: number) =>
        this.#meter.update({
          phase: "download",
          file: file.name,
          source: "network",
          loaded: before + bytes,
          total: all,
        });
      if (!this.#started) {
        // What was there already says nothing about the speed of the network.
        this.#started = true;
        this.#meter.start("download", file.name, "network", all);
        update(resumedFrom);
      }
      update(loaded);
    };
  }
}

/** Reads exactly `bytes` at `offset`. Throws `truncated_data` when the file ends before. */
export async function readExactly(
  file: OpenFile,
  offset: number,
  bytes: number,
): Promise<Uint8Array> {
  const into = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const read = await file.stored.read(into.subarray(done), offset + done);
    if (read <= 0) throw new HearthError("truncated_data", undefined, { subject: file.name });
    done += read;
  }
  return into;
}

/** A whole text file; "" when there is none. Throws `count_too_large`, `invalid_utf8`. */
export async function readText(file: OpenFile | undefined): Promise<string> {
  if (!file) return "";
  if (file.stored.size > largestText) {
    throw new HearthError("count_too_large", "The file is too large for a configuration.", {
      subject: file.name,
    });
  }
  const bytes = await readExactly(file, 0, file.stored.size);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HearthError("invalid_utf8", undefined, { subject: file.name, cause });
  }
}

/** Gives the core a file's first bytes, more of them for as long as it asks. */
export async function openHeader(
  core: Core,
  file: OpenFile,
  signal: AbortSignal,
): Promise<{ handle: number; format: string }> {
  const { size } = file.stored;
  let bytes = Math.min(headBytes, size);
  for (;;) {
    throwIfAborted(signal);
    const head = await readExactly(file, 0, bytes);
    const {
      file: handle,
      need,
      format,
    } = await core.call("fileOpen", {
      name: file.name,
      size,
      head,
    });
    if (need === 0) return { handle, format };
    if (need <= bytes || need > size) {
      throw new HearthError("internal", `The core asks for ${need} first bytes of ${size}.`, {
        subject: file.name,
      });
    }
    bytes = need;
  }
}
