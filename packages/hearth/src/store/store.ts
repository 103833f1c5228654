export interface StoredFile {
  readonly size: number;
  readonly path?: string;
  read(into: Uint8Array, at: number): number | Promise<number>;
  close(): void;
}
export interface Store {
  readonly kind: "opfs" | "disk" | "memory";
  open(key: string): Promise<StoredFile | undefined>;
}
export declare function openStore(options?: { cacheDir?: string }): Promise<Store>;
