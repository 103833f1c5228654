// A store in memory: the last resort of openStore(), and what tests run on.

import { HearthError } from "../errors.js";
import type { Backend, Folder, WritableFile } from "./file-store.js";
import type { StoredFile } from "./store.js";

// Big enough that a file has few blocks, small enough that the last one wastes little.
const kBlock = 1 << 20;

/** Bytes in blocks, so that a file grows without being copied. */
class Bytes {
  size = 0;
  private readonly blocks: Uint8Array[] = [];

  read(into: Uint8Array, at: number): number {
    const count = Math.max(0, Math.min(into.length, this.size - at));
    this.each(at, count, (block, from, done) => {
      into.set(block.subarray(from, from + Math.min(kBlock - from, count - done)), done);
    });
    return count;
  }

  write(bytes: Uint8Array, at: number): void {
    while (this.blocks.length * kBlock < at + bytes.length)
      this.blocks.push(new Uint8Array(kBlock));
    this.each(at, bytes.length, (block, from, done) => {
      block.set(bytes.subarray(done, done + kBlock - from), from);
    });
    this.size = Math.max(this.size, at + bytes.length);
  }

  truncate(size: number): void {
    this.size = Math.min(this.size, size);
    this.blocks.length = Math.ceil(this.size / kBlock);
  }

  private each(
    at: number,
    count: number,
    visit: (block: Uint8Array, from: number, done: number) => void,
  ): void {
    for (let done = 0; done < count; ) {
      const from = (at + done) % kBlock;
      visit(this.blocks[Math.floor((at + done) / kBlock)] as Uint8Array, from, done);
      done += kBlock - from;
    }
  }
}

/** Keeps everything in this thread's memory, until it ends. */
export class MemoryBackend implements Backend {
  readonly kind = "memory";
  private readonly files = new Map<string, Bytes>();
  private readonly locks = new LocalLocks();

  async openRead(folder: Folder, name: string): Promise<StoredFile | undefined> {
    const bytes = this.files.get(`${folder}/${name}`);
    if (bytes === undefined) return undefined;
    return { size: bytes.size, read: (into, at) => bytes.read(into, at), close() {} };
  }

  async openWrite(folder: Folder, name: string): Promise<WritableFile> {
    const path = `${folder}/${name}`;
    const bytes = this.files.get(path) ?? new Bytes();
    this.files.set(path, bytes);
    return {
      size: bytes.size,
      read: (into, at) => bytes.read(into, at),
      write: (from, at) => bytes.write(from, at),
      truncate: (size) => bytes.truncate(size),
      flush() {},
      close() {},
    };
  }

  async move(from: Folder, to: Folder, name: string): Promise<void> {
    const bytes = this.files.get(`${from}/${name}`);
    if (bytes === undefined) throw new Error(`${name} is not in ${from}`);
    this.files.delete(`${from}/${name}`);
    this.files.set(`${to}/${name}`, bytes);
  }

  async readText(folder: Folder, name: string): Promise<string | undefined> {
    const bytes = this.files.get(`${folder}/${name}`);
    if (bytes === undefined) return undefined;
    const copy = new Uint8Array(bytes.size);
    bytes.read(copy, 0);
    return new TextDecoder().decode(copy);
  }

  async writeText(folder: Folder, name: string, text: string): Promise<void> {
    const bytes = new Bytes();
    bytes.write(new TextEncoder().encode(text), 0);
    this.files.set(`${folder}/${name}`, bytes);
  }

  async remove(folder: Folder, name: string): Promise<boolean> {
    return this.files.delete(`${folder}/${name}`);
  }

  async list(folder: Folder): Promise<{ name: string; size: number }[]> {
    const found: { name: string; size: number }[] = [];
    for (const [path, bytes] of this.files) {
      if (path.startsWith(`${folder}/`)) {
        found.push({ name: path.slice(folder.length + 1), size: bytes.size });
      }
    }
    return found;
  }

  async available(): Promise<number | undefined> {
    return undefined;
  }

  lock<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.locks.run(name, signal, work);
  }
}

/** Locks among the callers of one thread, first come, first served. */
export class LocalLocks {
  private readonly tails = new Map<string, Promise<void>>();

  async run<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(name) ?? Promise.resolve();
    let release = (): void => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => mine);
    this.tails.set(name, tail);
    try {
      await orAborted(before, signal);
      return await work();
    } finally {
      release();
      if (this.tails.get(name) === tail) this.tails.delete(name);
    }
  }
}

/** Waits for `promise`, or throws `aborted` as soon as the signal fires. */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return promise;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new HearthError("aborted"));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
