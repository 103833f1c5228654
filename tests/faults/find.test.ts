// Finding models over HTTP, end to end: the built package against a server of files, and against one
// that answers as Hugging Face does. Needs the package and the core's build.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, inspect } from "hearth";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { writeShards } from "../support/shards.js";

// Each engine compiles the core anew: seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), "hearth-find-"));
const golden = fileURLToPath(new URL("../goldens/llama", import.meta.url));
const shards = 3;
const sha = "0123456789abcdef0123456789abcdef01234567";
const ids = [1, 5, 9, 2, 7];

let files: string[];
let sent = 0;
let requests: string[] = [];
let online = true;
let wanted: Float32Array;

const server = createServer((request, response) => {
  const path = (request.url ?? "").split("?")[0] ?? "";
  requests.push(path);
  if (!online) return request.socket.destroy();
  if (path.startsWith("/api/models/org/tiny/revision/")) {
    const siblings = files.map((rfilename) => {
      const bytes = readFileSync(join(folder, rfilename));
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      return { rfilename, size: bytes.length, lfs: { sha256 } };
    });
    const card = { license: "mit" };
    return response.end(JSON.stringify({ sha, cardData: card, siblings }));
  }
  const name = path.split("/").pop() ?? "";
  const isThere = path.startsWith("/files/") || path.startsWith(`/org/tiny/resolve/${sha}/`);
  if (!isThere || !files.includes(name)) {
    response.statusCode = 404;
    return response.end();
  }
  let bytes = readFileSync(join(folder, name));
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
  if (range) {
    const [, from, to] = range;
    const total = bytes.length;
    bytes = bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
    response.statusCode = 206;
    const last = Number(from) + bytes.length - 1;
    response.setHeader("content-range", `bytes ${from}-${last}/${total}`);
  }
  sent += bytes.length;
  return response.end(bytes);
});

let base: string;

beforeAll(async () => {
  files = writeShards(golden, folder, shards);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  wanted = await logits({ model: golden });
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  sent = 0;
  requests = [];
  online = true;
});

async function logits(options: Parameters<typeof createEngine>[0]): Promise<Float32Array> {
  const engine = await createEngine({ device: "wasm", exact: true, ...options });
  try {
    return (await engine.forward(ids)).logits;
  } finally {
    await engine.close();
  }
}

const weightFiles = () => files.filter((name) => name.endsWith(".safetensors"));
const sizeOf = (name: string) => statSync(join(folder, name)).size;

describe("a model in shards", () => {
  it("runs from a folder of the disk as the whole one does", async () => {
    expect(await logits({ model: folder })).toEqual(wanted);
    const index = join(folder, "model.safetensors.index.json");
    expect(await logits({ model: index })).toEqual(wanted);
  });

  it("runs from the address of a folder, and again without a connection", async () => {
    const options = { model: `${base}/files/`, cacheDir: join(folder, "cache-address") };
    expect(await logits(options)).toEqual(wanted);
    online = false;
    expect(await logits(options)).toEqual(wanted);
  });

  it("runs from Hugging Face, and again without a connection", async () => {
    const cacheDir = join(folder, "cache-hub");
    const options = { model: "hf:org/tiny", cacheDir, huggingFace: { endpoint: base } };
    expect(await logits(options)).toEqual(wanted);
    online = false;
    requests = [];
    expect(await logits(options)).toEqual(wanted);
    expect(requests).toEqual([]);
  });
});

describe("inspect", () => {
  it("fetches no weights, and says what there is to download", async () => {
    const cacheDir = join(folder, "cache-inspect");
    const huggingFace = { endpoint: base };
    const model = await inspect("hf:org/tiny", { cacheDir, huggingFace });
    const all = weightFiles().reduce((sum, name) => sum + sizeOf(name), 0);
    expect(model.license).toBe("mit");
    expect(model.files.map(({ name, size }) => [name, size])).toEqual(
      weightFiles().map((name) => [name, sizeOf(name)]),
    );
    expect(model.missingBytes).toBe(all);
    expect(model.totalBytes).toBe(all + sizeOf("config.json"));
    // A header and what came with it: 64 KiB of each shard, and the small files.
    expect(sent).toBeLessThan(shards * 65_536 + sizeOf("config.json") + 65_536);
    const lengths = model.memory.map(({ contextLength }) => contextLength);
    expect(Math.max(...lengths)).toBe(model.model.trainedContext);
    expect(new Set(model.memory.map(({ device }) => device))).toEqual(new Set(["wasm", "webgpu"]));
  });
});
