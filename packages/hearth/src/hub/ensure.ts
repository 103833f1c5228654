// Makes sure that a file is in the store, whole and verified: found there, or downloaded from the
// first of its addresses that delivers it, going on where an earlier download stopped.

import { HearthError, throwIfAborted } from "../errors.js";
import { BlobFile } from "../store/blob.js";
import { askToPersist, type PartialFile, type Store, type StoredFile } from "../store/store.js";
import { downloadHttp } from "./http.js";
import type { FileSource } from "./model-files.js";
import { hashFile, newSha256 } from "./sha256.js";
import { Transfer } from "./transfer.js";

/** How far a download is. */
export interface DownloadProgress {
  /** Bytes of the file that are here. */
  loaded: number;
  /** Bytes of the whole file; 0 while unknown. */
  total: number;
  /** How many of them an earlier download left. */
  resumedFrom: number;
}

/**
 * Looks at a file's first bytes, of `size` in all, and says how many it wants to see instead, or 0 when
 * it is content. What it throws ends the download.
 */
export type HeadCheck = (head: Uint8Array, size: number) => Promise<number>;

export interface EnsureOptions {
  /** Called at the start, at most every 50 ms, and at the end; not for a file already here. */
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
  /**
   * Shown the first bytes as soon as they are here, so that a file of no use is not downloaded to its
   * end. Left out for a file that is here already, and when the server does not say its size.
   */
  check?: HeadCheck | undefined;
  /** Instead of the platform's. */
  fetch?: typeof fetch;
  /** Milliseconds before the first retry of a cut connection, doubled for each next; 250. */
  retryDelay?: number;
  /** Milliseconds without a byte after which a connection counts as lost; 60,000. */
  stallTimeout?: number;
}

export interface EnsuredFile {
  file: StoredFile;
  /** Where it was found: in the store, on the network, or in the caller's hands. */
  origin: "store" | "network" | "file";
  /** Bytes that came over the network in this call. */
  downloadedBytes: number;
}

/**
 * Opens a file, downloading it first if the store lacks it. Calls for one key at a time, in this
 * thread or in other tabs and processes, download it once.
 *
 * A download that fails or is aborted leaves what it got, and the next call goes on from there. It is
 * verified against the size and the SHA-256 that are promised before open() finds it; a stored file
 * that contradicts them is removed and downloaded again. What `check` refuses is thrown away.
 *
 * Errors: `not_found`, `http_status`, `connection_lost` and `checksum_mismatch`, of the last address
 * and naming every one tried; `storage_full`, `storage_failed`, `aborted`; and what `check` throws.
 */
export async function ensureFile(
  store: Store,
  source: FileSource,
  options: EnsureOptions = {},
): Promise<EnsuredFile> {
  const { signal } = options;
  throwIfAborted(signal);
  if (source.blob !== undefined) {
    return { file: new BlobFile(source.blob), origin: "file", downloadedBytes: 0 };
  }
  if (source.path !== undefined) {
    const { openLocal } = await import("./local.js");
    return { file: openLocal(source.path), origin: "file", downloadedBytes: 0 };
  }
  const known = await openKnown(store, source);
  if (known !== undefined) return { file: known, origin: "store", downloadedBytes: 0 };
  return store.locked(source.key, signal, async () => {
    const stored = (await openKnown(store, source)) ?? (await openChecked(store, source, signal));
    if (stored !== undefined) return { file: stored, origin: "store", downloadedBytes: 0 };
    void askToPersist();
    const downloadedBytes = await download(store, source, options);
    const file = await store.open(source.key);
    if (file === undefined) {
      throw new HearthError("storage_failed", `${source.key} vanished from the store.`, {
        subject: source.key,
      });
    }
    return { file, origin: "network", downloadedBytes };
  });
}

/** The stored file, if its note says that it is what is wanted: no byte of it is read. */
export async function openKnown(store: Store, source: FileSource): Promise<StoredFile | undefined> {
  const note = await store.note(source.key);
  if (note === undefined) return undefined;
  const file = await store.open(source.key);
  if (file === undefined) return undefined;
  const sizes = file.size === note.size && (source.size ?? file.size) === file.size;
  if (sizes && (source.sha256 ?? note.sha256) === note.sha256) return file;
  file.close();
  return undefined;
}

// The stored file after reading all of it: one copied there by hand, or noted as something else. What
// contradicts a promise is removed, to be downloaded again.
async function openChecked(
  store: Store,
  source: FileSource,
  signal: AbortSignal | undefined,
): Promise<StoredFile | undefined> {
  const file = await store.open(source.key);
  if (file === undefined) return undefined;
  try {
    const note = await store.note(source.key);
    if (file.size === (source.size ?? note?.size ?? file.size)) {
      const hasher = (await newSha256()).init();
      const whole = await hashFile(hasher, file, file.size, signal);
      const sha256 = hasher.digest("hex");
      if (whole && sha256 === (source.sha256 ?? note?.sha256 ?? sha256)) {
        await store.setNote(source.key, { size: file.size, sha256, url: note?.url ?? "" });
        return file;
      }
    }
  } catch (thrown) {
    file.close();
    throw thrown;
  }
  file.close();
  await store.remove(source.key);
  return undefined;
}

// Another address may have what this one lacks; no address helps against a full disk or an abort.
const kMovesOn: readonly string[] = [
  "not_found",
  "http_status",
  "connection_lost",
  "checksum_mismatch",
];

async function download(store: Store, source: FileSource, options: EnsureOptions): Promise<number> {
  const partial = await store.partial(source.key);
  try {
    const transfer = await Transfer.begin(partial, source, options);
    try {
      await refuseWithoutRoom(store, source, partial);
      await downloadFromAny(transfer, options);
    } catch (thrown) {
      await transfer.keep();
      throw thrown;
    }
    return transfer.downloaded;
  } finally {
    await partial.close();
  }
}

async function downloadFromAny(transfer: Transfer, options: EnsureOptions): Promise<void> {
  const { source } = transfer;
  const failures: { url: string; error: HearthError }[] = [];
  for (const url of source.urls) {
    try {
      return await downloadFrom(url, transfer, options);
    } catch (thrown) {
      const error = HearthError.from(thrown, "internal", source.name);
      if (!kMovesOn.includes(error.code)) throw error;
      failures.push({ url, error });
    }
  }
  throw summary(source, failures);
}

async function downloadFrom(
  url: string,
  transfer: Transfer,
  options: EnsureOptions,
): Promise<void> {
  for (;;) {
    if (url.startsWith("pypi:")) {
      const { downloadPypi } = await import("./pypi.js");
      await downloadPypi(url, transfer, options);
    } else {
      await downloadHttp(url, transfer, options);
    }
    const wrong = await transfer.finish(url);
    if (wrong === undefined) return;
    // The fault may lie in what came from elsewhere or earlier: this address gets one clean chance.
    if (!wrong.mixed) throw wrong.error;
  }
}

// Better said before the download than after gigabytes of it. Where the platform's word proves too
// hopeful, writing fails with the same code.
async function refuseWithoutRoom(
  store: Store,
  source: FileSource,
  partial: PartialFile,
): Promise<void> {
  if (source.size === undefined) return;
  const { available } = await store.usage();
  const needed = source.size - partial.size;
  if (available === undefined || needed <= available) return;
  throw new HearthError(
    "storage_full",
    `${source.name} needs ${needed} more bytes of storage; ${available} are left.`,
    { subject: source.key },
  );
}

function summary(
  source: FileSource,
  failures: readonly { url: string; error: HearthError }[],
): HearthError {
  const last = failures.at(-1);
  if (last === undefined) {
    return new HearthError(
      "not_found",
      `${source.name} is not stored, and there is no address to get it from here.`,
      { subject: source.name },
    );
  }
  if (failures.length === 1) return last.error;
  const tried = failures.map(({ url, error }) => `${url} (${error.status ?? error.code})`);
  return new HearthError(last.error.code, `${last.error.message} Tried: ${tried.join(", ")}.`, {
    subject: last.error.subject,
    ...(last.error.status === undefined ? {} : { status: last.error.status }),
    cause: last.error,
  });
}
