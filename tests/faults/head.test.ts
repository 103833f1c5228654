// The check of a file's first bytes while the rest still comes: what it is shown, and what becomes of
// the download that it refuses.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ErrorCode, HearthError } from "../../packages/hearth/src/errors.js";
import {
  type EnsuredFile,
  type EnsureOptions,
  ensureFile,
} from "../../packages/hearth/src/hub/ensure.js";
import type { FileSource } from "../../packages/hearth/src/hub/resolve.js";
import { openStore, type Store } from "../../packages/hearth/src/store/store.js";
import { FaultServer, testBytes } from "./server.js";

const body = testBytes(3_000_000);
const sha256 = createHash("sha256").update(body).digest("hex");
const half = 1_500_000;

let server: FaultServer;
let count = 0;
const folder = mkdtempSync(join(tmpdir(), "hearth-head-"));
/** Lets an answer that is held back go, so that the server can close. */
let release: () => void;
const held = new Promise<void>((resolve) => {
  release = resolve;
});

beforeAll(async () => {
  server = await FaultServer.start();
});
afterAll(async () => {
  release();
  await server.close();
  rmSync(folder, { recursive: true });
});

const diskStore = () => openStore({ cacheDir: join(folder, String(++count)) });
const newPath = () => `/${++count}.gguf`;

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

/** A fetch that works once, and finds no server after that. */
function onceOnly(): typeof fetch {
  let times = 0;
  return (input, init) =>
    times++ === 0 ? fetch(input, init) : Promise.reject(new TypeError("unreachable"));
}

async function failure(work: Promise<unknown>): Promise<HearthError> {
  return work.then(
    () => expect.fail("it succeeded"),
    (thrown: HearthError) => thrown,
  );
}

async function expectWhole({ file }: EnsuredFile): Promise<void> {
  const all = new Uint8Array(file.size);
  expect(await file.read(all, 0)).toBe(body.length);
  file.close();
  expect(Buffer.compare(all, body)).toBe(0);
}

/** The store has no whole file, and a good server heals everything. */
async function expectUsableAfter(store: Store, promised = true): Promise<void> {
  expect(await store.open("model.gguf")).toBeUndefined();
  await expectWhole(await get(store, source([server.set(newPath(), { body })], promised)));
}

describe("the check of a file's first bytes", () => {
  let store: Store;
  let path: string;
  beforeEach(async () => {
    store = await diskStore();
    path = newPath();
  });
  const refuse = (code: ErrorCode) => async () => {
    throw new HearthError(code);
  };

  it("is shown as many as it asks for, and then no more", async () => {
    const heads: [number, number][] = [];
    const check = async (head: Uint8Array, size: number) => {
      expect(Buffer.compare(head, body.subarray(0, head.length))).toBe(0);
      heads.push([head.length, size]);
      return head.length < 1_000_000 ? 1_000_000 : 0;
    };
    const url = server.set(path, { body });
    await expectWhole(await get(store, source([url], false), { check }));
    expect(heads).toEqual([
      [65_536, body.length],
      [1_000_000, body.length],
    ]);
  });

  it("ends the download with its error, and nothing is kept", async () => {
    const url = server.set(path, { body, contentLength: body.length, cutAfter: half, hold: held });
    const error = await failure(get(store, source([url], false), { check: refuse("bad_magic") }));
    expect(error.code).toBe("bad_magic");
    expect(await store.list()).toEqual([]);
    await expectUsableAfter(store, false);
  });

  it("leaves wrong bytes to the hash, where one is promised", async () => {
    const wrong = server.set(path, { body: testBytes(body.length, 7) });
    const right = server.set(newPath(), { body });
    const check = async (head: Uint8Array) => {
      if (head[0] !== body[0]) throw new HearthError("bad_magic");
      return 0;
    };
    await expectWhole(await get(store, source([wrong, right]), { check }));
  });

  it("refuses a promised file that does not fit memory, but keeps what was there before", async () => {
    const url = server.set(path, { body, cutAfter: 600_000, cuts: 1, etag: '"v1"' });
    const cut = get(store, source([url]), { fetch: onceOnly() });
    expect((await failure(cut)).code).toBe("connection_lost");
    const [before] = await store.list();
    expect(before?.size).toBeGreaterThan(0);
    const check = refuse("out_of_memory");
    expect((await failure(get(store, source([url]), { check }))).code).toBe("out_of_memory");
    const [after] = await store.list();
    expect(after?.size).toBeGreaterThanOrEqual(before?.size ?? 0);
    await expectUsableAfter(store);
  });
});
