// Where weights live between visits: the browser's origin private file system, a folder in Node, or
// memory. A file is found by open() only once it is whole and verified; until then it is a partial,
// kept apart with a note of where it came from, so that the next download resumes it.

import { FileStore } from "./file-store.js";
import { MemoryBackend } from "./memory.js";

/** A file open for reading. */
export interface StoredFile {
  /** Bytes in the file. */
  readonly size: number;
  /** Where it lies on disk, for a process that reads it itself (Node). */
  readonly path?: string | undefined;
  /**
   * Reads up to `into.length` bytes from byte `at` and answers how many were read: fewer at the end
   * of the file, 0 past it. Synchronous where the platform can; `into` may lie in shared memory.
   * Throws `storage_failed`.
   */
  read(into: Uint8Array, at: number): number | Promise<number>;
  /** Gives the handle back; reading afterwards is a bug. */
  close(): void;
}

/** What the store remembers of a whole file. */
export interface FileNote {
  /** Bytes in the file. */
  size: number;
  /** SHA-256 of its content, lowercase hex. */
  sha256: string;
  /** The address that it came from. */
  url: string;
}

/** What the store remembers of a download under way. */
export interface PartialNote {
  /** The address that the bytes came from. */
  url: string;
  /** The server's validators of that version of the file. */
  etag?: string;
  lastModified?: string;
  /** Bytes of the whole file, when the server or the catalogue said. */
  size?: number;
  /** What the catalogue promises the whole file to be; any address can then continue it. */
  sha256?: string;
  /** Bytes known to have reached the disk: what a later download may trust. */
  bytes: number;
}

/** A download under way. Hold the key's lock while it is open. */
export interface PartialFile {
  /** Bytes present, trusted or not. */
  readonly size: number;
  /** The note of the last checkpoint, if there was one. */
  readonly note: PartialNote | undefined;
  read(into: Uint8Array, at: number): number | Promise<number>;
  /** Throws `storage_full` or `storage_failed`; what was appended before stays. */
  append(bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** Brings what was appended to the disk, then remembers `note`. */
  checkpoint(note: PartialNote): Promise<void>;
  /** Makes the file whole: open() finds it from now on. Closes the partial. */
  commit(note: FileNote): Promise<void>;
  /** Forgets the partial. Closes it. */
  discard(): Promise<void>;
  /** Keeps the partial for the next download. Closing twice is fine. */
  close(): Promise<void>;
}

/** One file of a listing. */
export interface StoredEntry {
  key: string;
  size: number;
  /** False for a download that has not ended. */
  complete: boolean;
}

/** How full the store is. */
export interface StoreUsage {
  /** Bytes of the files and partials of this store. */
  bytes: number;
  /** Bytes that the platform still lets us write, where it says. */
  available?: number;
}

/** A place that keeps model files. Every method throws `storage_failed` when the platform fails. */
export interface Store {
  readonly kind: "opfs" | "disk" | "memory";
  /** The whole file of that key, or undefined. */
  open(key: string): Promise<StoredFile | undefined>;
  /** What is remembered of a whole file; undefined for one that was copied there by hand. */
  note(key: string): Promise<FileNote | undefined>;
  setNote(key: string, note: FileNote): Promise<void>;
  /** Opens the partial of a key, or starts one. */
  partial(key: string): Promise<PartialFile>;
  /**
   * Runs `work` while no other tab, process or call holds the key. Throws `aborted` when the signal
   * fires while waiting.
   */
  locked<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  /** A small text that was kept beside the files; undefined when there is none. */
  memo(key: string): Promise<string | undefined>;
  /** Keeps a small text, in place of an earlier one of that key. */
  setMemo(key: string, text: string): Promise<void>;
  list(): Promise<StoredEntry[]>;
  /** Removes a file and its partial; false when there was neither. */
  remove(key: string): Promise<boolean>;
  usage(): Promise<StoreUsage>;
}

/** Whether this is Node (or a runtime that offers Node's built-in modules). */
export function isNode(): boolean {
  return typeof process !== "undefined" && typeof process.getBuiltinModule === "function";
}

/**
 * Opens the store of this platform: the origin private file system in a browser, a folder in Node
 * (`cacheDir`, else the environment's HEARTH_CACHE, else `~/.cache/hearth`), and memory where there
 * is neither, as in a private window of some browsers. Downloads into the origin private file
 * system need a dedicated worker; a page may list, remove and read.
 */
export async function openStore(options: { cacheDir?: string } = {}): Promise<Store> {
  if (isNode()) {
    const { DiskBackend } = await import("./disk.js");
    return new FileStore(await DiskBackend.open(options.cacheDir));
  }
  const { OpfsBackend } = await import("./opfs.js");
  const opfs = await OpfsBackend.open();
  return new FileStore(opfs ?? new MemoryBackend());
}

let asked = false;

/**
 * Asks the browser, once, not to evict the store when the disk runs low. Only a page can ask, so in
 * a worker this does nothing: the page that starts the worker calls it.
 */
export async function askToPersist(): Promise<boolean> {
  if (typeof navigator === "undefined" || asked) return false;
  const storage = (navigator as { storage?: { persist?: () => Promise<boolean> } }).storage;
  if (storage?.persist === undefined) return false;
  asked = true;
  return storage.persist().catch(() => false);
}
