// Reading a Blob, which is what a file picked by the user is, as a stored file.

import type { StoredFile } from "./store.js";

// Exists in workers only, where blocking hurts nobody.
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Reads slices of a blob: synchronously in a browser's worker, else with a promise. */
export class BlobFile implements StoredFile {
  private readonly reader =
    typeof FileReaderSync === "undefined" ? undefined : new FileReaderSync();

  constructor(private readonly blob: Blob) {}

  get size(): number {
    return this.blob.size;
  }

  read(into: Uint8Array, at: number): number | Promise<number> {
    const slice = this.blob.slice(at, at + into.length);
    const fill = (buffer: ArrayBuffer): number => {
      into.set(new Uint8Array(buffer));
      return buffer.byteLength;
    };
    if (this.reader !== undefined) return fill(this.reader.readAsArrayBuffer(slice));
    return slice.arrayBuffer().then(fill);
  }

  close(): void {}
}
