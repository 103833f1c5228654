// The worker of store.test.ts: does with the store what the test's page asks for.

import { ensureFile } from "../../packages/hearth/src/hub/ensure.js";
import type { FileSource } from "../../packages/hearth/src/hub/resolve.js";
import { hashFile, newSha256 } from "../../packages/hearth/src/hub/sha256.js";
import { openStore, type StoredEntry } from "../../packages/hearth/src/store/store.js";

/** What ensure() tells the test: of the file, or of the error. */
export interface Outcome {
  kind: string;
  origin?: string;
  downloadedBytes?: number;
  resumedFrom?: number;
  /** SHA-256 of what the opened file reads as. */
  content?: string;
  /** The same, read into shared memory. */
  sharedContent?: string;
  /** Whether reading was synchronous. */
  synchronous?: boolean;
  error?: { code: string; subject: string };
}

const operations = {
  async ensure(source: FileSource): Promise<Outcome> {
    const store = await openStore();
    let resumedFrom = 0;
    try {
      const { file, origin, downloadedBytes } = await ensureFile(store, source, {
        retryDelay: 1,
        onProgress: (progress) => {
          resumedFrom = progress.resumedFrom;
        },
      });
      const hasher = (await newSha256()).init();
      await hashFile(hasher, file, file.size);
      const shared = new Uint8Array(new SharedArrayBuffer(file.size));
      const count = file.read(shared, 0);
      const sharedContent = (await newSha256()).init().update(shared.slice()).digest("hex");
      const synchronous = typeof count === "number";
      const content = hasher.digest("hex");
      const { kind } = store;
      return { kind, origin, downloadedBytes, resumedFrom, content, sharedContent, synchronous };
    } catch (thrown) {
      return { kind: store.kind, error: thrown as { code: string; subject: string } };
    }
  },
  async list(): Promise<StoredEntry[]> {
    return (await openStore()).list();
  },
  async bytes(): Promise<number> {
    return (await (await openStore()).usage()).bytes;
  },
  async remove(key: string): Promise<boolean> {
    return (await openStore()).remove(key);
  },
};

interface Scope {
  onmessage: (event: { data: [number, keyof typeof operations, never] }) => void;
  postMessage(answer: unknown): void;
}

(globalThis as unknown as Scope).onmessage = async ({ data: [id, name, argument] }) => {
  const answer = await operations[name](argument);
  (globalThis as unknown as Scope).postMessage([id, JSON.stringify(answer)]);
};
