// A store in the browser's origin private file system. In a dedicated worker files are read and
// written through synchronous access handles, straight into the engine's memory. Elsewhere a page
// can list, remove and read, but not download.

import { HearthError } from "../errors.js";
import { BlobFile } from "./blob.js";
import type { Backend, Folder, WritableFile } from "./file-store.js";
import type { StoredFile } from "./store.js";

// What is used of the file system's interface; TypeScript has it in its worker library alone.
interface SyncAccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}
interface FileHandle {
  readonly kind: "file";
  getFile(): Promise<Blob>;
  createSyncAccessHandle?(options?: { mode: string }): Promise<SyncAccessHandle>;
  move(to: FolderHandle, name: string): Promise<void>;
}
interface FolderHandle {
  readonly kind: "directory";
  getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle>;
  getDirectoryHandle(name: string, options?: { create: boolean }): Promise<FolderHandle>;
  removeEntry(name: string): Promise<void>;
  entries(): AsyncIterable<[string, FileHandle | FolderHandle]>;
}
interface BrowserNavigator {
  storage?: {
    getDirectory?(): Promise<FolderHandle>;
    estimate?(): Promise<{ usage?: number; quota?: number }>;
  };
  locks?: {
    request<T>(name: string, options: { signal?: AbortSignal }, work: () => Promise<T>): Promise<T>;
  };
}

function browser(): BrowserNavigator | undefined {
  return globalThis.navigator as unknown as BrowserNavigator | undefined;
}

// Holds these folders, apart from whatever else the page keeps in its file system.
const kRoot = "hearth";
const kFolders: readonly Folder[] = ["files", "notes", "partial", "partial-notes", "memos"];

// Where a browser does not read into shared memory, bytes go through a buffer of this size: long
// enough to hide the cost of a call, short enough to stay in the cache.
const kBounce = 1 << 20;

// A closed tab gives its files back within milliseconds; two seconds is a tab that is stuck.
const kOpenTries = 40;
const kOpenPause = 50; // milliseconds

/** Whether synchronous handles fill views of shared memory; undefined until it was tried. */
let readsShared: boolean | undefined;

/** A file behind a synchronous access handle. */
class OpfsFile implements WritableFile {
  readonly size: number;
  private bounce: Uint8Array | undefined;

  constructor(
    private readonly handle: SyncAccessHandle,
    private readonly name: string,
  ) {
    this.size = handle.getSize();
  }

  read(into: Uint8Array, at: number): number {
    const shared =
      typeof SharedArrayBuffer !== "undefined" && into.buffer instanceof SharedArrayBuffer;
    if (!shared || readsShared === true) return this.fill(into, at);
    if (readsShared === undefined) {
      try {
        const count = this.fill(into, at);
        readsShared = true;
        return count;
      } catch (thrown) {
        if (!(thrown instanceof TypeError)) throw thrown;
        readsShared = false;
      }
    }
    this.bounce ??= new Uint8Array(kBounce);
    for (let done = 0; done < into.length; ) {
      const part = this.bounce.subarray(0, Math.min(kBounce, into.length - done));
      const count = this.fill(part, at + done);
      into.set(part.subarray(0, count), done);
      done += count;
      if (count < part.length) return done;
    }
    return into.length;
  }

  write(bytes: Uint8Array, at: number): void {
    const count = this.handle.write(bytes, { at });
    if (count < bytes.length) {
      throw new HearthError("storage_full", `There is no room left to store ${this.name}.`, {
        subject: this.name,
      });
    }
  }

  truncate(size: number): void {
    this.handle.truncate(size);
  }
  flush(): void {
    this.handle.flush();
  }
  close(): void {
    this.handle.close();
  }

  // A read may answer less than was asked before the end of the file.
  private fill(into: Uint8Array, at: number): number {
    let done = 0;
    while (done < into.length) {
      const count = this.handle.read(into.subarray(done), { at: at + done });
      if (count === 0) break;
      done += count;
    }
    return done;
  }
}

/** Keeps everything under one folder of the origin private file system. */
export class OpfsBackend implements Backend {
  readonly kind = "opfs";

  private constructor(private readonly folders: Record<Folder, FolderHandle>) {}

  /** Undefined where there is no origin private file system, or the browser denies it. */
  static async open(): Promise<OpfsBackend | undefined> {
    const storage = browser()?.storage;
    if (storage?.getDirectory === undefined) return undefined;
    try {
      const origin = await storage.getDirectory();
      const root = await origin.getDirectoryHandle(kRoot, { create: true });
      const folders: Partial<Record<Folder, FolderHandle>> = {};
      for (const folder of kFolders) {
        folders[folder] = await root.getDirectoryHandle(folder, { create: true });
      }
      return new OpfsBackend(folders as Record<Folder, FolderHandle>);
    } catch {
      return undefined; // private windows of some browsers refuse
    }
  }

  async openRead(folder: Folder, name: string): Promise<StoredFile | undefined> {
    const handle = await this.find(folder, name);
    if (handle === undefined) return undefined;
    try {
      // "read-only" lets several tabs read one file. Browsers without it open exclusively.
      const access = await handle.createSyncAccessHandle?.({ mode: "read-only" });
      if (access !== undefined) return new OpfsFile(access, name);
    } catch (thrown) {
      if ((thrown as Error).name !== "NoModificationAllowedError") throw thrown;
    }
    return new BlobFile(await handle.getFile());
  }

  async openWrite(folder: Folder, name: string): Promise<WritableFile> {
    const handle = await this.folders[folder].getFileHandle(name, { create: true });
    const access = await this.openExclusively(handle);
    if (access === undefined) {
      throw new HearthError("storage_failed", "A download needs a dedicated worker.", {
        subject: name,
      });
    }
    return new OpfsFile(access, name);
  }

  async move(from: Folder, to: Folder, name: string): Promise<void> {
    const handle = await this.folders[from].getFileHandle(name);
    await handle.move(this.folders[to], name);
  }

  async readText(folder: Folder, name: string): Promise<string | undefined> {
    const handle = await this.find(folder, name);
    return handle === undefined ? undefined : (await handle.getFile()).text();
  }

  async writeText(folder: Folder, name: string, text: string): Promise<void> {
    const file = await this.openWrite(folder, name);
    try {
      const bytes = new TextEncoder().encode(text);
      file.write(bytes, 0);
      file.truncate(bytes.length);
      file.flush();
    } finally {
      file.close();
    }
  }

  async remove(folder: Folder, name: string): Promise<boolean> {
    try {
      await this.folders[folder].removeEntry(name);
      return true;
    } catch (thrown) {
      if ((thrown as Error).name === "NotFoundError") return false;
      throw thrown;
    }
  }

  async list(folder: Folder): Promise<{ name: string; size: number }[]> {
    const found: { name: string; size: number }[] = [];
    for await (const [name, handle] of this.folders[folder].entries()) {
      if (handle.kind === "file") found.push({ name, size: (await handle.getFile()).size });
    }
    return found;
  }

  async available(): Promise<number | undefined> {
    const storage = browser()?.storage;
    const { quota, usage } = (await storage?.estimate?.()) ?? {};
    return quota === undefined ? undefined : Math.max(0, quota - (usage ?? 0));
  }

  async lock<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const locks = browser()?.locks;
    // Every browser with this file system has them.
    if (locks === undefined) throw new Error("this browser has no Web Locks");
    let entered = false;
    try {
      return await locks.request(`hearth:${name}`, signal === undefined ? {} : { signal }, () => {
        entered = true;
        return work();
      });
    } catch (thrown) {
      // The request rejects with the signal's reason, whatever that is, if it fires while waiting.
      if (!entered && signal?.aborted)
        throw new HearthError("aborted", undefined, { cause: thrown });
      throw thrown;
    }
  }

  // The caller holds the lock, so if the file is open it is in a tab that is just being closed.
  private async openExclusively(handle: FileHandle): Promise<SyncAccessHandle | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        return await handle.createSyncAccessHandle?.();
      } catch (thrown) {
        const taken = (thrown as Error).name === "NoModificationAllowedError";
        if (!taken || tries === kOpenTries) throw thrown;
      }
      await new Promise((resolve) => setTimeout(resolve, kOpenPause));
    }
  }

  private async find(folder: Folder, name: string): Promise<FileHandle | undefined> {
    try {
      return await this.folders[folder].getFileHandle(name);
    } catch (thrown) {
      if ((thrown as Error).name === "NotFoundError") return undefined;
      throw thrown;
    }
  }
}
