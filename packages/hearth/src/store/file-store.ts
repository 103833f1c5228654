// The store's logic, once for every platform: a backend offers five folders of plain files, and this
// makes of them whole files, partials with notes, and locks.

import { HearthError } from "../errors.js";
import type {
  FileNote,
  PartialFile,
  PartialNote,
  Store,
  StoredEntry,
  StoredFile,
  StoreUsage,
} from "./store.js";

/**
 * `files` holds what open() finds; a note has the name of the file that it is about. `memos` are texts
 * that belong to no file.
 */
export type Folder = "files" | "notes" | "partial" | "partial-notes" | "memos";

/** A file open for writing, by one writer. */
export interface WritableFile extends StoredFile {
  /** Writes all of `bytes` at `at`, or throws. */
  write(bytes: Uint8Array, at: number): void | Promise<void>;
  truncate(size: number): void | Promise<void>;
  /** Returns once what was written would survive a crash. */
  flush(): void | Promise<void>;
}

/** What a platform must offer. Names are safe (see fileNameOf); whatever it throws is wrapped here. */
export interface Backend {
  readonly kind: Store["kind"];
  openRead(folder: Folder, name: string): Promise<StoredFile | undefined>;
  /** Opens for writing, created when absent. */
  openWrite(folder: Folder, name: string): Promise<WritableFile>;
  /** Moves a file to the same name in another folder, replacing what is there in one step. */
  move(from: Folder, to: Folder, name: string): Promise<void>;
  readText(folder: Folder, name: string): Promise<string | undefined>;
  writeText(folder: Folder, name: string, text: string): Promise<void>;
  /** False when there was none. */
  remove(folder: Folder, name: string): Promise<boolean>;
  list(folder: Folder): Promise<{ name: string; size: number }[]>;
  /** Bytes that may still be written, where the platform says. */
  available(): Promise<number | undefined>;
  lock<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
}

// File systems end at 255 bytes a name; the rest is room for the temporary names of a backend.
const kLongestName = 200;

/**
 * The name under which a key is stored: the key itself where it is plain, with every other byte as
 * %XX. A leading dot is escaped too, so that no key is hidden or means a folder.
 */
export function fileNameOf(key: string): string {
  const name = encodeURIComponent(key)
    .replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, "%2E");
  if (name === "" || name.length > kLongestName) {
    throw new HearthError("invalid_argument", "A store's key has 1 to 200 characters.", {
      subject: key,
    });
  }
  return name;
}

/** A Store over any Backend. */
export class FileStore implements Store {
  constructor(readonly backend: Backend) {}

  get kind(): Store["kind"] {
    return this.backend.kind;
  }

  async open(key: string): Promise<StoredFile | undefined> {
    const name = fileNameOf(key);
    const file = await guard(key, () => this.backend.openRead("files", name));
    return file === undefined ? undefined : new GuardedFile(file, key);
  }

  async note(key: string): Promise<FileNote | undefined> {
    const text = await guard(key, () => this.backend.readText("notes", fileNameOf(key)));
    const note = parseNote(text);
    return typeof note?.size === "number" &&
      typeof note.sha256 === "string" &&
      typeof note.url === "string"
      ? (note as unknown as FileNote)
      : undefined;
  }

  async setNote(key: string, note: FileNote): Promise<void> {
    await guard(key, () => this.backend.writeText("notes", fileNameOf(key), JSON.stringify(note)));
  }

  async partial(key: string): Promise<PartialFile> {
    const name = fileNameOf(key);
    return guard(key, async () => {
      const note = parseNote(await this.backend.readText("partial-notes", name));
      const known = typeof note?.url === "string" && typeof note.bytes === "number";
      const file = await this.backend.openWrite("partial", name);
      const last = known ? (note as unknown as PartialNote) : undefined;
      return new Partial(this.backend, file, key, name, last);
    });
  }

  async locked<T>(
    key: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    let entered = false;
    try {
      return await this.backend.lock(fileNameOf(key), signal, () => {
        entered = true;
        return work();
      });
    } catch (thrown) {
      throw entered ? thrown : storageError(thrown, key);
    }
  }

  async memo(key: string): Promise<string | undefined> {
    return guard(key, () => this.backend.readText("memos", fileNameOf(key)));
  }

  async setMemo(key: string, text: string): Promise<void> {
    await guard(key, () => this.backend.writeText("memos", fileNameOf(key), text));
  }

  async list(): Promise<StoredEntry[]> {
    return guard("the list of files", async () => {
      const entries: StoredEntry[] = [];
      for (const folder of ["files", "partial"] as const) {
        for (const { name, size } of await this.backend.list(folder)) {
          const key = keyOf(name);
          if (key !== undefined) entries.push({ key, size, complete: folder === "files" });
        }
      }
      return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    });
  }

  async remove(key: string): Promise<boolean> {
    const name = fileNameOf(key);
    return guard(key, async () => {
      const file = await this.backend.remove("files", name);
      const partial = await this.backend.remove("partial", name);
      await this.backend.remove("notes", name);
      await this.backend.remove("partial-notes", name);
      return file || partial;
    });
  }

  async usage(): Promise<StoreUsage> {
    const entries = await this.list();
    const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
    const available = await guard("the space left", () => this.backend.available());
    return available === undefined ? { bytes } : { bytes, available };
  }
}

/** A partial over a backend's file. */
class Partial implements PartialFile {
  private open = true;

  constructor(
    private readonly backend: Backend,
    private readonly file: WritableFile,
    private readonly key: string,
    private readonly name: string,
    private last: PartialNote | undefined,
  ) {
    this.end = file.size;
  }
  private end: number;

  get size(): number {
    return this.end;
  }
  get note(): PartialNote | undefined {
    return this.last;
  }

  read(into: Uint8Array, at: number): number | Promise<number> {
    return this.file.read(into, at);
  }

  async append(bytes: Uint8Array): Promise<void> {
    await guard(this.key, async () => this.file.write(bytes, this.end));
    this.end += bytes.length;
  }

  async truncate(size: number): Promise<void> {
    await guard(this.key, async () => this.file.truncate(size));
    this.end = size;
  }

  async checkpoint(note: PartialNote): Promise<void> {
    await guard(this.key, async () => {
      await this.file.flush();
      await this.backend.writeText("partial-notes", this.name, JSON.stringify(note));
    });
    this.last = note;
  }

  // The note goes first: a note without its file is nothing, a file without its note is hashed again.
  async commit(note: FileNote): Promise<void> {
    await guard(this.key, async () => {
      await this.file.flush();
      await this.backend.writeText("notes", this.name, JSON.stringify(note));
      await this.close();
      await this.backend.move("partial", "files", this.name);
      await this.backend.remove("partial-notes", this.name);
    });
  }

  async discard(): Promise<void> {
    await guard(this.key, async () => {
      await this.close();
      await this.backend.remove("partial-notes", this.name);
      await this.backend.remove("partial", this.name);
    });
    this.last = undefined;
  }

  async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    this.file.close();
  }
}

/** Turns what the platform throws while reading into a typed error that names the file. */
class GuardedFile implements StoredFile {
  constructor(
    private readonly file: StoredFile,
    private readonly key: string,
  ) {}

  get size(): number {
    return this.file.size;
  }

  get path(): string | undefined {
    return this.file.path;
  }

  read(into: Uint8Array, at: number): number | Promise<number> {
    try {
      const count = this.file.read(into, at);
      if (typeof count === "number") return count;
      return count.catch((thrown: unknown) => {
        throw storageError(thrown, this.key);
      });
    } catch (thrown) {
      throw storageError(thrown, this.key);
    }
  }

  close(): void {
    this.file.close();
  }
}

async function guard<T>(key: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw storageError(thrown, key);
  }
}

function keyOf(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined; // not ours: something else put it there
  }
}

// A note that a crash cut short is no note.
function parseNote(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** What a platform threw while storing `key`, as `storage_full` or `storage_failed`. */
export function storageError(thrown: unknown, key: string): HearthError {
  if (thrown instanceof HearthError) return thrown;
  const { name, code } = (thrown ?? {}) as { name?: string; code?: string };
  if (code === "ENOSPC" || code === "EDQUOT" || name === "QuotaExceededError") {
    return new HearthError("storage_full", `There is no room left to store ${key}.`, {
      subject: key,
      cause: thrown,
    });
  }
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new HearthError("storage_failed", `Storing or reading ${key} failed: ${why}`, {
    subject: key,
    cause: thrown,
  });
}
