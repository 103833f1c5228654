// The store in a real browser: files survive a reload and a closed tab, several tabs share one
// download, and a full disk is an error that heals.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FileSource } from "../../packages/hearth/src/hub/resolve.js";
import type { StoredEntry } from "../../packages/hearth/src/store/store.js";
import { testBytes } from "../faults/server.js";
import { call, StoreBrowser } from "./store-harness.js";
import type { Outcome } from "./store-worker.js";

const body = testBytes(3_000_000);
const sha256 = createHash("sha256").update(body).digest("hex");
// Four answers of this length, the first and three retries, do not make a whole file.
const fifth = 600_000;

let browser: StoreBrowser;
let count = 0;

// A machine with one slow core takes a while to start Chromium.
beforeAll(async () => {
  browser = await StoreBrowser.start();
}, 60_000);
afterAll(() => browser.close(), 60_000);

/** A file of its own for each test. */
function newSource(): FileSource & { at: string } {
  const at = `/models/${++count}.gguf`;
  const urls = [browser.server.origin + at];
  return { at, key: `${count}.gguf`, name: `${count}.gguf`, size: body.length, sha256, urls };
}

const whole = { kind: "opfs", content: sha256, sharedContent: sha256, synchronous: true };

describe("the origin private file system", { timeout: 60_000 }, () => {
  it("keeps a download over a reload, and asks the network for nothing", async () => {
    const { server } = browser;
    const source = newSource();
    server.set(source.at, { body });
    const page = await browser.open();
    const first = await call<Outcome>(page, "ensure", source);
    expect(first).toMatchObject({ ...whole, origin: "network", downloadedBytes: body.length });
    expect(server.sent(source.at)).toBe(body.length);
    await page.reload();
    const second = await call<Outcome>(page, "ensure", source);
    expect(second).toMatchObject({ ...whole, origin: "store", downloadedBytes: 0 });
    expect(server.requests(source.at)).toHaveLength(1);
    await page.close();
  });

  it("resumes a cut download after a reload, fetching only what is missing", async () => {
    const { server } = browser;
    const source = newSource();
    server.set(source.at, { body, cutAfter: fifth });
    const page = await browser.open();
    const cut = await call<Outcome>(page, "ensure", source);
    expect(cut.error).toMatchObject({ code: "connection_lost", subject: source.urls[0] });
    const entries = await call<StoredEntry[]>(page, "list");
    const partial = entries.find(({ key }) => key === source.key);
    expect(partial).toMatchObject({ complete: false });
    const had = partial?.size ?? 0;
    expect(had).toBeGreaterThan(fifth);
    const before = server.sent(source.at);
    server.set(source.at, { body });
    await page.reload();
    const done = await call<Outcome>(page, "ensure", source);
    const missing = body.length - had;
    expect(done).toMatchObject({ ...whole, resumedFrom: had, downloadedBytes: missing });
    expect(server.sent(source.at) - before).toBe(missing);
    await page.close();
  });

  it("resumes what a closed tab had begun", async () => {
    const { server } = browser;
    const source = newSource();
    const silence = new Promise<void>(() => {});
    server.set(source.at, { body, cutAfter: fifth, hold: silence });
    const page = await browser.open();
    const lost = call<Outcome>(page, "ensure", source).catch(() => "closed");
    const sizeOfPartial = async (): Promise<number> => {
      const entries = await call<StoredEntry[]>(page, "list");
      return entries.find(({ key }) => key === source.key)?.size ?? 0;
    };
    await expect.poll(sizeOfPartial, { timeout: 30_000 }).toBe(fifth);
    await page.close();
    expect(await lost).toBe("closed");

    server.set(source.at, { body });
    const next = await browser.open();
    const done = await call<Outcome>(next, "ensure", source);
    const missing = body.length - fifth;
    expect(done).toMatchObject({ ...whole, resumedFrom: fifth, downloadedBytes: missing });
    await next.close();
  });

  it("downloads once for two tabs, and both read it at the same time", async () => {
    const { server } = browser;
    const source = newSource();
    server.set(source.at, { body, piece: 200_000, drip: 10 });
    const pages = [await browser.open(), await browser.open()];
    const both = await Promise.all(pages.map((page) => call<Outcome>(page, "ensure", source)));
    for (const one of both) expect(one).toMatchObject(whole);
    expect(both.map(({ origin }) => origin).sort()).toEqual(["network", "store"]);
    expect(server.requests(source.at)).toHaveLength(1);
    for (const page of pages) await page.close();
  });

  it("reports a full disk, and goes on once there is room", async () => {
    const { server } = browser;
    // Without a promised size nothing is refused beforehand: writing itself must fail.
    const { size: _, ...source } = newSource();
    server.set(source.at, { body });
    const page = await browser.open();
    const quota = await browser.context.newCDPSession(page);
    const used = await call<number>(page, "bytes");
    await quota.send("Storage.overrideQuotaForOrigin", {
      origin: server.origin,
      quotaSize: used + 1_500_000,
    });
    const full = await call<Outcome>(page, "ensure", source);
    expect(full.error).toMatchObject({ code: "storage_full", subject: source.key });
    await quota.send("Storage.overrideQuotaForOrigin", { origin: server.origin });
    expect(await call<Outcome>(page, "ensure", source)).toMatchObject(whole);
    await page.close();
  });

  it("lists, counts and removes", async () => {
    const source = newSource();
    browser.server.set(source.at, { body });
    const page = await browser.open();
    expect(await call<Outcome>(page, "ensure", source)).toMatchObject(whole);
    await page.reload(); // gives up the open file
    const before = await call<number>(page, "bytes");
    const entry = { key: source.key, size: body.length, complete: true };
    expect(await call<StoredEntry[]>(page, "list")).toContainEqual(entry);
    expect(await call<boolean>(page, "remove", source.key)).toBe(true);
    expect(await call<boolean>(page, "remove", source.key)).toBe(false);
    expect(await call<StoredEntry[]>(page, "list")).not.toContainEqual(entry);
    expect(before - (await call<number>(page, "bytes"))).toBe(body.length);
    await page.close();
  });
});
