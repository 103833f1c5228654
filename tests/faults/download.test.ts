// Every way in which a download can go wrong: the error says what happened and to what, no half file
// is ever found, and the next good download succeeds on the same store with the bytes it already has.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HearthError } from "../../packages/hearth/src/errors.js";
import {
  type EnsuredFile,
  type EnsureOptions,
  ensureFile,
} from "../../packages/hearth/src/hub/ensure.js";
import type { FileSource } from "../../packages/hearth/src/hub/resolve.js";
import { FileStore } from "../../packages/hearth/src/store/file-store.js";
import { MemoryBackend } from "../../packages/hearth/src/store/memory.js";
import { openStore, type Store, type StoredFile } from "../../packages/hearth/src/store/store.js";
import { FaultServer, testBytes } from "./server.js";

const body = testBytes(3_000_000);
const sha256 = createHash("sha256").update(body).digest("hex");
const half = 1_500_000;
// Four answers of this length, the first and three retries, do not make a whole file.
const fifth = 600_000;

let server: FaultServer;
const folders: string[] = [];
let count = 0;

beforeAll(async () => {
  server = await FaultServer.start();
});
afterAll(async () => {
  await server.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function diskStore(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "hearth-faults-"));
  folders.push(folder);
  return openStore({ cacheDir: folder });
}

const stores: [string, () => Promise<Store>][] = [
  ["memory", async () => new FileStore(new MemoryBackend())],
  ["disk", diskStore],
];

// Each test has a path of its own, so that counts are its own.
function newPath(): string {
  return `/${++count}.gguf`;
}

function source(urls: string[], promised = true): FileSource {
  return {
    key: "model.gguf",
    name: "model.gguf",
    urls,
    ...(promised ? { size: body.length, sha256 } : {}),
  };
}

function get(store: Store, from: FileSource, more: EnsureOptions = {}): Promise<EnsuredFile> {
  return ensureFile(store, from, { retryDelay: 1, ...more });
}

async function failure(work: Promise<unknown>): Promise<HearthError> {
  return work.then(
    () => expect.fail("it succeeded"),
    (thrown: HearthError) => thrown,
  );
}

async function contentOf(file: StoredFile): Promise<Uint8Array> {
  const all = new Uint8Array(file.size + 1);
  const size = await file.read(all, 0);
  file.close();
  return all.subarray(0, size);
}

async function expectWhole({ file }: EnsuredFile): Promise<void> {
  expect(Buffer.compare(await contentOf(file), body)).toBe(0);
}

/** The store has no whole file, and a good server heals everything. */
async function expectUsableAfter(store: Store, promised = true): Promise<EnsuredFile> {
  expect(await store.open("model.gguf")).toBeUndefined();
  const good = await get(store, source([server.set(newPath(), { body })], promised));
  expect(good.origin).toBe("network");
  await expectWhole(good);
  return good;
}

describe.each(stores)("downloads into the %s store", (_, makeStore) => {
  let store: Store;
  let path: string;
  beforeEach(async () => {
    store = await makeStore();
    path = newPath();
  });

  it("downloads once, then opens from the store", async () => {
    const url = server.set(path, { body });
    const reports: number[] = [];
    const first = await get(store, source([url]), {
      onProgress: ({ loaded, total }) => {
        expect(total).toBe(body.length);
        reports.push(loaded);
      },
    });
    expect(first.origin).toBe("network");
    expect(first.downloadedBytes).toBe(body.length);
    expect(reports[0]).toBe(0);
    expect(reports.at(-1)).toBe(body.length);
    await expectWhole(first);

    const second = await get(store, source([url]));
    expect(second).toMatchObject({ origin: "store", downloadedBytes: 0 });
    await expectWhole(second);
    expect(server.requests(path)).toHaveLength(1);
    expect(await store.list()).toEqual([{ key: "model.gguf", size: body.length, complete: true }]);
  });

  it.each([
    [404, "not_found"],
    [410, "not_found"],
    [401, "http_status"],
    [500, "http_status"],
    [503, "http_status"],
  ])("reports HTTP status %i as %s, without asking again", async (status, code) => {
    const url = server.set(path, { status, body });
    const error = await failure(get(store, source([url])));
    expect(error).toMatchObject({ name: "HearthError", code, subject: url, status });
    expect(server.requests(path)).toHaveLength(1);
    expect(await store.list()).toEqual([]);
    await expectUsableAfter(store);
  });

  it("takes a web page for a missing file", async () => {
    const html = new TextEncoder().encode("<!doctype html><title>app</title>");
    const url = server.set(path, { body: html, contentType: "text/html; charset=utf-8" });
    for (const promised of [true, false]) {
      const error = await failure(get(store, source([url], promised)));
      expect(error).toMatchObject({ code: "not_found", subject: url });
    }
    await expectUsableAfter(store);
  });

  it("goes on by itself where a connection was cut", async () => {
    const url = server.set(path, { body, cutAfter: half, cuts: 1 });
    const done = await get(store, source([url]));
    await expectWhole(done);
    const [first, second] = server.requests(path);
    expect(first).toMatchObject({ range: undefined, status: 200 });
    expect(second).toMatchObject({ status: 206, ifRange: '"v1"' });
    const resumedAt = Number(/^bytes=(\d+)-$/.exec(second?.range ?? "")?.[1]);
    expect(resumedAt).toBeGreaterThan(0);
    expect(second?.sent).toBe(body.length - resumedAt);
    expect(done.downloadedBytes).toBe(body.length);
  });

  it("gives up after three retries, keeps what came, and later fetches only the rest", async () => {
    const url = server.set(path, { body, cutAfter: 500_000, cuts: 4 });
    const error = await failure(get(store, source([url])));
    expect(error).toMatchObject({ code: "connection_lost", subject: url });
    expect(server.requests(path)).toHaveLength(4);
    expect(await store.open("model.gguf")).toBeUndefined();
    const [partial] = await store.list();
    expect(partial).toMatchObject({ key: "model.gguf", complete: false });
    const had = partial?.size ?? 0;
    expect(had).toBeGreaterThan(1_500_000);

    const before = server.sent(path);
    let resumedFrom = -1;
    const done = await get(store, source([url]), {
      onProgress: (progress) => {
        resumedFrom = progress.resumedFrom;
      },
    });
    await expectWhole(done);
    expect(resumedFrom).toBe(had);
    expect(done.downloadedBytes).toBe(body.length - had);
    expect(server.sent(path) - before).toBe(body.length - had);
  });

  it("resumes without a promised hash only the version that it began with", async () => {
    const url = server.set(path, { body, cutAfter: fifth, etag: '"old"' });
    await failure(get(store, source([url], false)));
    const other = testBytes(2_000_000, 7);
    server.set(path, { body: other, etag: '"new"' });
    const { file } = await get(store, source([url], false));
    expect(Buffer.compare(await contentOf(file), other)).toBe(0);
    expect(server.requests(path).at(-1)).toMatchObject({ ifRange: '"old"', status: 200 });
  });

  it.each([
    [3_500_000, 206],
    [2_000_000, 416],
  ])(
    "starts over when the file changed under a server that ignores If-Range",
    async (size, status) => {
      const url = server.set(path, { body, cutAfter: fifth, etag: null, lastModified: "Monday" });
      await failure(get(store, source([url], false)));
      const other = testBytes(size, 7);
      // Answers this condition as if it held.
      server.set(path, { body: other, etag: "Monday", lastModified: "Tuesday" });
      const { file } = await get(store, source([url], false));
      expect(Buffer.compare(await contentOf(file), other)).toBe(0);
      expect(server.requests(path).slice(-2)).toMatchObject([{ status }, { range: undefined }]);
    },
  );

  it("starts over where nothing says which version is served", async () => {
    const url = server.set(path, { body, cutAfter: fifth, etag: null });
    await failure(get(store, source([url], false)));
    expect(server.requests(path).every((seen) => seen.range === undefined)).toBe(true);
    server.set(path, { body, etag: null });
    await expectWhole(await get(store, source([url], false)));
  });

  it("starts from zero at a server without ranges", async () => {
    const url = server.set(path, { body, cutAfter: half, ranges: false });
    const error = await failure(get(store, source([url])));
    expect(error).toMatchObject({ code: "connection_lost", subject: url });
    server.set(path, { body, ranges: false });
    const done = await get(store, source([url]));
    expect(done.downloadedBytes).toBe(body.length);
    await expectWhole(done);
  });

  it("takes a body shorter than its content-length for a lost connection", async () => {
    const short = body.subarray(0, half);
    const url = server.set(path, { body: short, contentLength: body.length });
    // The server waits for more of its own body; closing is what a crashed one does.
    server.set(path, { body: short, contentLength: body.length, cutAfter: half });
    for (const promised of [true, false]) {
      const error = await failure(get(store, source([url], promised)));
      expect(error).toMatchObject({ code: "connection_lost", subject: url });
      expect(await store.open("model.gguf")).toBeUndefined();
    }
    await expectUsableAfter(store);
  });

  it.each([
    ["told before", undefined],
    ["not told", null],
  ])("takes a body shorter than promised (%s) for a lost connection", async (_, contentLength) => {
    const short = body.subarray(0, half);
    const url = server.set(path, {
      body: short,
      ...(contentLength === null ? { contentLength } : {}),
    });
    const error = await failure(get(store, source([url])));
    expect(error).toMatchObject({ code: "connection_lost", subject: url });
    await expectUsableAfter(store);
  });

  it.each([
    ["told before", undefined],
    ["not told", null],
  ])("refuses a body longer than promised (%s)", async (_, contentLength) => {
    const long = testBytes(body.length + 1);
    const url = server.set(path, {
      body: long,
      ...(contentLength === null ? { contentLength } : {}),
    });
    const error = await failure(get(store, source([url])));
    expect(error).toMatchObject({ code: "checksum_mismatch", subject: "model.gguf" });
    await expectUsableAfter(store);
  });

  it("refuses wrong bytes, and forgets them", async () => {
    const wrong = Uint8Array.from(body);
    wrong[half] = (wrong[half] as number) ^ 1;
    const url = server.set(path, { body: wrong });
    const error = await failure(get(store, source([url])));
    expect(error).toMatchObject({ code: "checksum_mismatch", subject: "model.gguf" });
    expect(error.message).toContain(sha256);
    expect(await store.list()).toEqual([]);
    await expectUsableAfter(store);
  });

  it("fetches all of it again when what an earlier download left proves wrong", async () => {
    const wrong = server.set(newPath(), { body: testBytes(body.length, 9), cutAfter: fifth });
    await failure(get(store, source([wrong])));
    const done = await get(store, source([server.set(path, { body })]));
    await expectWhole(done);
    expect(server.requests(path)).toMatchObject([{ status: 206 }, { status: 200 }]);
  });

  it("waits for a slow server, and follows a redirect", async () => {
    const target = newPath();
    server.set(target, { body, piece: 300_000, drip: 5 });
    const url = server.set(path, { redirect: target });
    await expectWhole(await get(store, source([url])));
  });

  it("counts silence as a lost connection", async () => {
    const silence = new Promise<void>(() => {});
    const url = server.set(path, { body, cutAfter: fifth, hold: silence });
    const error = await failure(get(store, source([url]), { stallTimeout: 40 }));
    expect(error).toMatchObject({ code: "connection_lost", subject: url });
    expect(error.message).toContain("no byte came");
    await expectUsableAfter(store);
  });

  it("tries the next address, and names all it tried when none delivers", async () => {
    const gone = server.set(path, { status: 404 });
    const closed = await FaultServer.start();
    const refused = closed.set("/refused.gguf", {});
    await closed.close();
    const error = await failure(get(store, source([gone, refused])));
    expect(error).toMatchObject({ code: "connection_lost", subject: refused });
    expect(error.message).toContain(`${gone} (404)`);
    expect(error.message).toContain(`${refused} (connection_lost)`);

    const good = newPath();
    const done = await get(store, source([gone, refused, server.set(good, { body })]));
    await expectWhole(done);
  });

  it("goes on at another address with what the first one sent", async () => {
    const cut = server.set(path, { body, cutAfter: half, cuts: 4 });
    const other = newPath();
    server.set(path, { body, cutAfter: 400_000 });
    const done = await get(store, source([cut, server.set(other, { body })]));
    await expectWhole(done);
    expect(server.requests(other)).toMatchObject([{ status: 206, ifRange: undefined }]);
    expect(done.downloadedBytes).toBe(body.length);
  });

  it("says so when there is no address at all", async () => {
    const error = await failure(get(store, source([])));
    expect(error).toMatchObject({ code: "not_found", subject: "model.gguf" });
  });

  it("stops at an abort before, asking nobody", async () => {
    const url = server.set(path, { body });
    const error = await failure(get(store, source([url]), { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ code: "aborted" });
    expect(server.requests(path)).toHaveLength(0);
    await expectUsableAfter(store);
  });

  it("stops at an abort half way, and resumes later", async () => {
    const silence = new Promise<void>(() => {});
    const url = server.set(path, { body, cutAfter: half, hold: silence });
    const abort = new AbortController();
    const error = await failure(
      get(store, source([url]), {
        signal: abort.signal,
        fetch: async (input, init) => {
          const response = await fetch(input, init);
          let passed = 0;
          const counting = new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, to) {
              to.enqueue(chunk);
              passed += chunk.length;
              if (passed > fifth) abort.abort();
            },
          });
          return new Response(response.body?.pipeThrough(counting) ?? null, response);
        },
      }),
    );
    expect(error).toMatchObject({ code: "aborted" });
    const [partial] = await store.list();
    expect(partial).toMatchObject({ complete: false });
    const done = await expectUsableAfter(store);
    expect(done.downloadedBytes).toBe(body.length - (partial?.size ?? 0));
    expect(done.downloadedBytes).toBeLessThan(body.length);
  });

  it("downloads once for callers at the same time", async () => {
    const url = server.set(path, { body, piece: 200_000, drip: 2 });
    const all = await Promise.all([1, 2, 3].map(() => get(store, source([url]))));
    expect(all.map(({ origin }) => origin).sort()).toEqual(["network", "store", "store"]);
    for (const one of all) await expectWhole(one);
    expect(server.requests(path)).toHaveLength(1);
  });

  it("lets a caller that waits for another be aborted", async () => {
    let go = (): void => {};
    const hold = new Promise<void>((resolve) => {
      go = resolve;
    });
    const url = server.set(path, { body, cutAfter: half, hold });
    const first = get(store, source([url]));
    const abort = new AbortController();
    const second = failure(get(store, source([url]), { signal: abort.signal }));
    abort.abort();
    expect(await second).toMatchObject({ code: "aborted" });
    go();
    await expectWhole(await first);
  });

  it("takes a file put there by hand, once it was verified", async () => {
    await expectWhole(await get(store, source([server.set(path, { body })])));
    await store.setNote("model.gguf", { size: 1, sha256: "", url: "" });
    const done = await get(store, source([]));
    expect(done).toMatchObject({ origin: "store", downloadedBytes: 0 });
    await expectWhole(done);
    expect(await store.note("model.gguf")).toMatchObject({ size: body.length, sha256 });
  });

  it("replaces a stored file that is not what the catalogue promises now", async () => {
    const older = testBytes(1000, 5);
    const old = server.set(newPath(), { body: older });
    (await get(store, { key: "model.gguf", name: "model.gguf", urls: [old] })).file.close();
    const done = await get(store, source([server.set(path, { body })]));
    expect(done.origin).toBe("network");
    await expectWhole(done);
  });
});

describe("a full disk", () => {
  class FullBackend extends MemoryBackend {
    room = Number.POSITIVE_INFINITY;
    told: number | undefined;
    override async openWrite(...at: Parameters<MemoryBackend["openWrite"]>) {
      const file = await super.openWrite(...at);
      return {
        size: file.size,
        read: file.read,
        truncate: file.truncate,
        flush: file.flush,
        close: file.close,
        write: (bytes: Uint8Array, position: number) => {
          if (position + bytes.length > this.room) {
            throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
          }
          return file.write(bytes, position);
        },
      };
    }
    override async available() {
      return this.told;
    }
  }

  it("is storage_full, keeps what fitted, and the download goes on once there is room", async () => {
    const backend = new FullBackend();
    const store = new FileStore(backend);
    backend.room = half;
    const path = newPath();
    const other = newPath();
    const urls = [server.set(path, { body }), server.set(other, { body })];
    const error = await failure(get(store, source(urls)));
    expect(error).toMatchObject({ code: "storage_full", subject: "model.gguf" });
    expect(server.requests(other)).toHaveLength(0);
    const had = (await store.list())[0]?.size ?? 0;
    expect(had).toBeGreaterThan(0);
    backend.room = Number.POSITIVE_INFINITY;
    const done = await get(store, source(urls));
    await expectWhole(done);
    expect(done.downloadedBytes).toBe(body.length - had);
  });

  it("is said before the download where the platform tells", async () => {
    const backend = new FullBackend();
    const store = new FileStore(backend);
    backend.told = 1000;
    const path = newPath();
    const error = await failure(get(store, source([server.set(path, { body })])));
    expect(error).toMatchObject({ code: "storage_full", subject: "model.gguf" });
    expect(error.message).toContain("1000");
    expect(server.requests(path)).toHaveLength(0);
    expect(await store.list()).toEqual([]);
    backend.told = undefined;
    await expectUsableAfter(store);
  });
});
