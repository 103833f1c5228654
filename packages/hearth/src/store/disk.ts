// A store in a folder, for Node. Whole files lie in the folder itself under their key, so that people
// and servers can use them; notes, partials and locks lie in hidden folders beside them.
//
// Node's modules are asked for at run time, not imported: a bundle for the browser has nothing to
// resolve, and this file is only ever loaded where they exist.

import { FileLocks } from "./disk-lock.js";
import type { Backend, Folder, WritableFile } from "./file-store.js";
import type { StoredFile } from "./store.js";

const fs = process.getBuiltinModule("node:fs");
const os = process.getBuiltinModule("node:os");
const path = process.getBuiltinModule("node:path");

const kFolders = {
  files: "",
  notes: ".notes",
  partial: ".partial",
  "partial-notes": ".partial-notes",
  memos: ".memos",
} as const;

/** A file read in place with plain system calls, at the offset asked for. */
class DiskFile implements WritableFile {
  private open = true;
  constructor(
    private readonly fd: number,
    readonly size: number,
    readonly path: string,
  ) {}

  read(into: Uint8Array, at: number): number {
    let done = 0;
    while (done < into.length) {
      const count = fs.readSync(this.fd, into, done, into.length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += fs.writeSync(this.fd, bytes, done, bytes.length - done, at + done);
    }
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.fd, size);
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    if (this.open) fs.closeSync(this.fd);
    this.open = false;
  }
}

/** Opens a file of the disk where it lies; undefined when there is none. Throws for a folder. */
export function openDiskFile(at: string): StoredFile | undefined {
  let fd: number;
  try {
    fd = fs.openSync(at, "r");
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  const stat = fs.fstatSync(fd);
  if (!stat.isFile()) {
    fs.closeSync(fd);
    throw new Error("it is not a file");
  }
  return new DiskFile(fd, stat.size, path.resolve(at));
}

/** Keeps everything under one folder of the disk. */
export class DiskBackend implements Backend {
  readonly kind = "disk";
  private readonly locks: FileLocks;

  private constructor(readonly root: string) {
    this.locks = new FileLocks(path.join(root, ".locks"));
  }

  static async open(cacheDir?: string): Promise<DiskBackend> {
    const root = cacheDir ?? process.env.HEARTH_CACHE ?? path.join(os.homedir(), ".cache/hearth");
    return new DiskBackend(path.resolve(root));
  }

  async openRead(folder: Folder, name: string): Promise<StoredFile | undefined> {
    return openDiskFile(this.at(folder, name));
  }

  async openWrite(folder: Folder, name: string): Promise<WritableFile> {
    const at = this.make(folder, name);
    const fd = fs.openSync(at, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644);
    return new DiskFile(fd, fs.fstatSync(fd).size, at);
  }

  async move(from: Folder, to: Folder, name: string): Promise<void> {
    await fs.promises.rename(this.at(from, name), this.make(to, name));
  }

  async readText(folder: Folder, name: string): Promise<string | undefined> {
    try {
      return await fs.promises.readFile(this.at(folder, name), "utf8");
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  async writeText(folder: Folder, name: string, text: string): Promise<void> {
    const at = this.make(folder, name);
    // Renamed into place, so that a reader sees the old text or the new and never half of one.
    const temporary = `${at}.${process.pid}~`;
    await fs.promises.writeFile(temporary, text);
    await fs.promises.rename(temporary, at);
  }

  async remove(folder: Folder, name: string): Promise<boolean> {
    try {
      await fs.promises.unlink(this.at(folder, name));
      return true;
    } catch (thrown) {
      if (isMissing(thrown)) return false;
      throw thrown;
    }
  }

  async list(folder: Folder): Promise<{ name: string; size: number }[]> {
    const found: { name: string; size: number }[] = [];
    let names: string[];
    try {
      names = await fs.promises.readdir(this.at(folder, ""));
    } catch (thrown) {
      if (isMissing(thrown)) return found;
      throw thrown;
    }
    for (const name of names) {
      if (name.startsWith(".")) continue;
      const stat = await fs.promises.stat(this.at(folder, name)).catch(() => undefined);
      if (stat?.isFile()) found.push({ name, size: stat.size });
    }
    return found;
  }

  async available(): Promise<number | undefined> {
    fs.mkdirSync(this.root, { recursive: true });
    const stat = await fs.promises.statfs(this.root);
    return stat.bavail * stat.bsize;
  }

  lock<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.locks.run(name, signal, work);
  }

  private at(folder: Folder, name: string): string {
    return path.join(this.root, kFolders[folder], name);
  }

  private make(folder: Folder, name: string): string {
    const at = this.at(folder, name);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    return at;
  }
}

function isMissing(thrown: unknown): boolean {
  const code = (thrown as { code?: string }).code;
  return code === "ENOENT" || code === "ENOTDIR";
}
