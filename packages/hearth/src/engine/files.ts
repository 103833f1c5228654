// Gets a model's files into the store and opens their headers in the core.

import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { ensureFile, HeadCheck } from "../hub/ensure.js";
import type { FileSource, ModelFiles } from "../hub/resolve.js";
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
  /** Where the weights came from: the network if any part of them did. */
  readonly source: WeightSource;
  readonly downloadedBytes: number;
  /** Where the files are kept. */
  readonly store: Store;
  /** The same files, opened again after they were closed. */
  reopen(signal: AbortSignal): Promise<OpenFiles>;
  close(): void;
}

/** Makes the check of a weight file's first bytes; `config` is the text of config.json, or "". */
export type CheckOf = (name: string, config: string) => HeadCheck;

/**
 * Has every file of the model at hand, downloading what is missing. When it fails, the files it had
 * opened are closed again.
 *
 * @param checkOf Looks at the weights while they come, when they are one file: the first of several
 * does not say what the model is.
 */
export async function obtainFiles(
  files: ModelFiles,
  store: Store,
  ensure: typeof ensureFile,
  meter: Meter,
  signal: AbortSignal,
  checkOf?: CheckOf,
): Promise<OpenFiles> {
  const { config, tokenizer, tokenizerConfig } = files;
  const weights = [files.weights].flat();
  // The configuration first: it tells whether the weights are worth getting.
  const wanted = [config, ...weights, tokenizer, tokenizerConfig].filter(
    (source) => source !== undefined,
  );
  const opened = new Map<FileSource, OpenFile>();
  const close = () => {
    for (const file of opened.values()) file.stored.close();
    opened.clear();
  };
  const sizes = new Map(wanted.map((source) => [source, source.size ?? 0]));
  let doneBytes = 0;
  let downloadedBytes = 0;
  let source: WeightSource | undefined;
  let started = false;

  try {
    for (const wantedFile of wanted) {
      throwIfAborted(signal);
      const before = doneBytes;
      const checked = checkOf && weights.length === 1 && wantedFile === weights[0];
      const configText = checked ? await readText(config && opened.get(config)) : "";
      const {
        file,
        origin,
        downloadedBytes: bytes,
      } = await ensure(store, wantedFile, {
        signal,
        check: checked ? checkOf(wantedFile.name, configText) : undefined,
        onProgress: ({ loaded, total, resumedFrom }) => {
          sizes.set(wantedFile, Math.max(total, 0));
          const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
          if (!started) {
            // What was there already says nothing about the speed of the network.
            started = true;
            meter.start("download", wantedFile.name, "network", all);
            meter.update({
              phase: "download",
              file: wantedFile.name,
              source: "network",
              loaded: before + resumedFrom,
              total: all,
            });
          }
          meter.update({
            phase: "download",
            file: wantedFile.name,
            source: "network",
            loaded: before + loaded,
            total: all,
          });
        },
      });
      opened.set(wantedFile, { name: wantedFile.name, stored: file });
      sizes.set(wantedFile, file.size);
      doneBytes += file.size;
      downloadedBytes += bytes;
      if (weights.includes(wantedFile) && source !== "network") source = origin;
    }
  } catch (error) {
    close();
    throw error;
  }
  const find = (of: FileSource | undefined) => (of ? opened.get(of) : undefined);
  return {
    weights: weights.map((file) => opened.get(file) as OpenFile),
    config: find(config),
    tokenizer: find(tokenizer),
    tokenizerConfig: find(tokenizerConfig),
    source: source ?? "file",
    downloadedBytes,
    store,
    reopen: (again) => obtainFiles(files, store, ensure, new Meter(() => {}), again),
    close,
  };
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
