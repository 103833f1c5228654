// Several processes on one folder: they download a file once, and what a killed one had got is used.

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openStore } from "../../packages/hearth/src/store/store.js";
import { FaultServer, testBytes } from "./server.js";

const body = testBytes(3_000_000);
const sha256 = createHash("sha256").update(body).digest("hex");
const folder = mkdtempSync(join(tmpdir(), "hearth-processes-"));
const script = join(folder, "ensure.mjs");
let server: FaultServer;

beforeAll(async () => {
  server = await FaultServer.start();
  await build({
    entryPoints: [fileURLToPath(new URL("ensure-process.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "node",
    outfile: script,
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  child: ChildProcess;
  /** What the process printed, once it ended. */
  printed: Promise<string>;
}

function start(cacheDir: string, url: string): Run {
  const source = { key: "m", name: "m", size: body.length, sha256, urls: [url] };
  const child = spawn(process.execPath, [script, cacheDir, JSON.stringify(source)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const printed = new Promise<string>((resolve) => {
    child.on("close", () => resolve(text));
  });
  return { child, printed };
}

function newFolder(name: string): string {
  const at = join(folder, name);
  mkdirSync(at);
  return at;
}

// Starting a process takes a second on a slow machine.
it("downloads once for processes at the same time", { timeout: 60_000 }, async () => {
  const cacheDir = newFolder("together");
  const url = server.set("/together", { body, piece: 100_000, drip: 20 });
  const runs = [start(cacheDir, url), start(cacheDir, url), start(cacheDir, url)];
  const outcomes = await Promise.all(runs.map(async ({ printed }) => JSON.parse(await printed)));
  const bytes = outcomes.map(({ downloadedBytes }) => downloadedBytes).sort((a, b) => a - b);
  expect(bytes).toEqual([0, 0, body.length]);
  expect(server.requests("/together")).toHaveLength(1);
  expect(Buffer.compare(readFileSync(join(cacheDir, "m")), body)).toBe(0);
});

it("goes on where a killed process stopped", { timeout: 60_000 }, async () => {
  const cacheDir = newFolder("killed");
  const store = await openStore({ cacheDir });
  const silence = new Promise<void>(() => {});
  const url = server.set("/killed", { body, cutAfter: 1_000_000, hold: silence });
  const first = start(cacheDir, url);
  const had = async (): Promise<number> => (await store.list())[0]?.size ?? 0;
  await expect.poll(had, { timeout: 30_000 }).toBe(1_000_000);
  first.child.kill("SIGKILL");
  expect(await first.printed).toBe("");
  expect(await store.open("m")).toBeUndefined();

  server.set("/killed", { body });
  const second = JSON.parse(await start(cacheDir, url).printed);
  expect(second).toEqual({ origin: "network", downloadedBytes: body.length - 1_000_000 });
  expect(Buffer.compare(readFileSync(join(cacheDir, "m")), body)).toBe(0);
});
