// SHA-256 of what streams by and of what is already stored.

import { createSHA256, type IHasher } from "hash-wasm";
import { throwIfAborted } from "../errors.js";

// Few reads for a file of gigabytes, and soon enough back for an abort to be seen.
const kChunk = 4 << 20;

/** A hash that bytes are added to; `init()` starts it over, `digest()` answers lowercase hex. */
export function newSha256(): Promise<IHasher> {
  return createSHA256();
}

/** Adds bytes 0 to `size` of a file to `hasher`. False when the file ends before. */
export async function hashFile(
  hasher: IHasher,
  file: { read(into: Uint8Array, at: number): number | Promise<number> },
  size: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const chunk = new Uint8Array(Math.min(kChunk, size));
  for (let at = 0; at < size; ) {
    throwIfAborted(signal);
    const part = chunk.subarray(0, Math.min(chunk.length, size - at));
    const count = await file.read(part, at);
    if (count < part.length) return false;
    hasher.update(part);
    at += count;
  }
  return true;
}
