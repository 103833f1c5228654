import type { Store, StoredFile } from "../store/store.js";
import type { FileSource } from "./resolve.js";
export declare function ensureFile(
  store: Store,
  source: FileSource,
  options: {
    onProgress?: (p: { loaded: number; total: number; resumedFrom: number }) => void;
    signal?: AbortSignal;
    fetch?: typeof fetch;
  },
): Promise<{ file: StoredFile; origin: "store" | "network" | "file"; downloadedBytes: number }>;
