import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { FileStore, fileNameOf, storageError } from "./file-store.js";
import { MemoryBackend } from "./memory.js";
import { openStore, type Store, type StoredFile } from "./store.js";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hearth-store-"));
  folders.push(folder);
  return folder;
}

const note = { size: 5, sha256: "ab", url: "https://example.org/a" };

function text(file: StoredFile, at = 0, length = 100): string {
  const into = new Uint8Array(length);
  return new TextDecoder().decode(into.subarray(0, file.read(into, at) as number));
}

async function write(store: Store, key: string, content: string): Promise<void> {
  const partial = await store.partial(key);
  await partial.append(new TextEncoder().encode(content));
  await partial.commit({ ...note, size: content.length });
}

describe.each([
  ["memory", async (): Promise<Store> => new FileStore(new MemoryBackend())],
  ["disk", async (): Promise<Store> => openStore({ cacheDir: newFolder() })],
])("the %s store", (kind, makeStore) => {
  let store: Store;
  beforeEach(async () => {
    store = await makeStore();
  });

  it("finds a file only once it is committed", async () => {
    expect(store.kind).toBe(kind);
    expect(await store.open("a")).toBeUndefined();
    const partial = await store.partial("a");
    await partial.append(new TextEncoder().encode("hel"));
    await partial.append(new TextEncoder().encode("lo"));
    expect(partial.size).toBe(5);
    expect(await store.open("a")).toBeUndefined();
    expect(await store.list()).toEqual([{ key: "a", size: 5, complete: false }]);
    await partial.commit(note);
    const file = (await store.open("a")) as StoredFile;
    expect(file.size).toBe(5);
    expect(text(file)).toBe("hello");
    expect(text(file, 3)).toBe("lo");
    expect(text(file, 1, 2)).toBe("el");
    expect(text(file, 9)).toBe("");
    file.close();
    expect(await store.note("a")).toEqual(note);
    expect(await store.list()).toEqual([{ key: "a", size: 5, complete: true }]);
  });

  it("keeps a partial with the note of its last checkpoint", async () => {
    const first = await store.partial("a");
    expect(first.note).toBeUndefined();
    await first.append(new Uint8Array(10));
    const progress = { url: "https://example.org/a", etag: '"1"', bytes: 10 };
    await first.checkpoint(progress);
    await first.append(new Uint8Array(7));
    await first.close();
    const second = await store.partial("a");
    expect(second.size).toBe(17);
    expect(second.note).toEqual(progress);
    await second.truncate(10);
    expect(second.size).toBe(10);
    await second.discard();
    expect(await store.list()).toEqual([]);
    expect((await store.partial("a")).note).toBeUndefined();
  });

  it("replaces a file in one step: who has the old one open reads on", async () => {
    await write(store, "a", "older");
    const old = (await store.open("a")) as StoredFile;
    await write(store, "a", "newer");
    expect(text(old)).toBe("older");
    expect(text((await store.open("a")) as StoredFile)).toBe("newer");
  });

  it("keeps keys apart whatever they are made of", async () => {
    const keys = ["a/b", "a%2Fb", "..", ".partial", "A b~", "ü", "a"];
    for (const key of keys) await write(store, key, `<${key.length}${key}>`);
    for (const key of keys) {
      expect(text((await store.open(key)) as StoredFile)).toBe(`<${key.length}${key}>`);
    }
    expect((await store.list()).map(({ key }) => key).sort()).toEqual([...keys].sort());
  });

  it("removes and counts", async () => {
    await write(store, "a", "hello");
    const partial = await store.partial("b");
    await partial.append(new Uint8Array(100));
    await partial.close();
    expect((await store.usage()).bytes).toBe(105);
    expect(await store.remove("a")).toBe(true);
    expect(await store.note("a")).toBeUndefined();
    expect(await store.remove("a")).toBe(false);
    expect(await store.remove("b")).toBe(true);
    expect((await store.usage()).bytes).toBe(0);
  });

  it("fills views of shared memory, and files longer than a block", async () => {
    const bytes = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 7) >> 3);
    const partial = await store.partial("a");
    await partial.append(bytes.subarray(0, 1_048_570));
    await partial.append(bytes.subarray(1_048_570));
    await partial.commit({ ...note, size: bytes.length });
    const file = (await store.open("a")) as StoredFile;
    const shared = new Uint8Array(new SharedArrayBuffer(2_000_000));
    expect(file.read(shared, 500_000)).toBe(2_000_000);
    expect(Buffer.compare(shared, bytes.subarray(500_000))).toBe(0);
    file.close();
  });

  it("runs the holders of a lock one after another", async () => {
    const steps: string[] = [];
    const hold = (name: string) => async (): Promise<void> => {
      steps.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      steps.push(`${name} out`);
    };
    const failing = store.locked("a", undefined, async () => {
      throw new TypeError("mine");
    });
    await expect(failing).rejects.toThrow(new TypeError("mine"));
    await Promise.all([
      store.locked("a", undefined, hold("1")),
      store.locked("a", undefined, hold("2")),
    ]);
    expect(steps).toEqual(["1 in", "1 out", "2 in", "2 out"]);
  });
});

it("ignores a note that was cut short", async () => {
  const folder = newFolder();
  const store = await openStore({ cacheDir: folder });
  await write(store, "a", "hello");
  writeFileSync(join(folder, ".notes", "a"), '{"size":5,"sha');
  expect(await store.note("a")).toBeUndefined();
});

it("refuses keys that no file system takes", () => {
  expect(fileNameOf(".hidden/x")).toBe("%2Ehidden%2Fx");
  for (const key of ["", "x".repeat(201)]) {
    expect(() => fileNameOf(key)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  }
});

it("tells a full disk from a broken one", () => {
  const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
  expect(storageError(full, "a")).toMatchObject({ code: "storage_full", subject: "a" });
  const quota = new DOMException("quota", "QuotaExceededError");
  expect(storageError(quota, "a")).toMatchObject({ code: "storage_full", subject: "a" });
  const broken = Object.assign(new Error("i/o error"), { code: "EIO" });
  expect(storageError(broken, "a")).toMatchObject({ code: "storage_failed", subject: "a" });
});

it("reports a folder that cannot be written as storage_failed", async () => {
  const file = join(newFolder(), "not-a-folder");
  writeFileSync(file, "");
  const store = await openStore({ cacheDir: file });
  await expect(store.partial("a")).rejects.toMatchObject({ code: "storage_failed", subject: "a" });
});
