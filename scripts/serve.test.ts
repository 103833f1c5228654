/** The static server: types, headers, ranges, and nothing outside its folders. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseRange, type Served, serve } from "./serve.mjs";

let folder: string;
let server: Served;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hearth-serve-"));
  await mkdir(join(folder, "app/assets"), { recursive: true });
  await mkdir(join(folder, "models/.notes"), { recursive: true });
  await writeFile(join(folder, "secret"), "secret");
  await writeFile(join(folder, "app/index.html"), "<p>app</p>");
  await writeFile(join(folder, "app/assets/core-0a1b2c3d.wasm"), "wasm");
  await writeFile(join(folder, "models/a b.gguf"), "0123456789");
  await writeFile(join(folder, "models/empty"), "");
  await writeFile(join(folder, "models/.notes/a"), "note");
  await symlink(join(folder, "secret"), join(folder, "models/link"));
  server = await serve({ app: join(folder, "app"), models: join(folder, "models") });
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Asks for a path exactly as written: fetch would tidy `..` away. */
function raw(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: server.port, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject).end();
  });
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, server.url), { headers });

it("serves the page with the headers of isolation and policy", async () => {
  const response = await get("/?a=1");
  expect(await response.text()).toBe("<p>app</p>");
  const { headers } = response;
  expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
  expect(headers.get("content-security-policy")).toMatch(/^default-src 'self';/);
  expect(headers.get("cache-control")).toBe("no-cache");
});

it("serves WebAssembly under its type, to be kept for ever", async () => {
  const { headers } = await get("/assets/core-0a1b2c3d.wasm");
  expect(headers.get("content-type")).toBe("application/wasm");
  expect(headers.get("cache-control")).toMatch(/immutable/);
  expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
});

it.each([
  "/assets/missing.js",
  "/models/missing.gguf",
  "/models/",
  "/somewhere",
  "/assets",
  "/models/empty/x",
])("has no %s", async (path) => expect((await get(path)).status).toBe(404));

it.each([
  "/../secret",
  "/models/../secret",
  "/models/..%2fsecret",
  "/models/%2e%2e/secret",
  "/models/..%5csecret",
  "/models/link",
  "/models/.notes/a",
  "/models/%00",
  "/models/%zz",
  "//etc/passwd",
])("does not leave its folders for %s", async (path) => expect(await raw(path)).toBe(404));

it("refuses to write", async () => {
  const response = await fetch(server.url, { method: "POST", body: "x" });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET, HEAD");
});

describe("models", () => {
  it("are served whole, in part, from the end, and by head alone", async () => {
    const whole = await get("/models/a%20b.gguf");
    expect([whole.status, await whole.text()]).toEqual([200, "0123456789"]);
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    const part = await get("/models/a%20b.gguf", { Range: "bytes=2-4" });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
    const rest = await get("/models/a%20b.gguf", { Range: "bytes=-3" });
    expect([rest.status, await rest.text()]).toEqual([206, "789"]);
    const head = await fetch(new URL("/models/a%20b.gguf", server.url), { method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["10", ""]);
    expect(await (await get("/models/empty")).text()).toBe("");
  });

  it("answer 416 past their end", async () => {
    const response = await get("/models/a%20b.gguf", { Range: "bytes=10-" });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */10");
  });

  it("come whole when they changed since the range was meant, and not at all when unchanged", async () => {
    const tag = (await get("/models/a%20b.gguf")).headers.get("etag") ?? "";
    const same = await get("/models/a%20b.gguf", { Range: "bytes=2-", "If-Range": tag });
    expect(same.status).toBe(206);
    const other = await get("/models/a%20b.gguf", { Range: "bytes=2-", "If-Range": '"old"' });
    expect([other.status, await other.text()]).toEqual([200, "0123456789"]);
    expect((await get("/models/a%20b.gguf", { "If-None-Match": tag })).status).toBe(304);
  });
});

it.each([
  [undefined, "whole"],
  ["bytes=0-", { start: 0, end: 9 }],
  ["bytes=3-100", { start: 3, end: 9 }],
  ["bytes=-4", { start: 6, end: 9 }],
  ["bytes=-40", { start: 0, end: 9 }],
  ["bytes=-0", "impossible"],
  ["bytes=10-", "impossible"],
  ["bytes=5-2", "whole"],
  ["bytes=-", "whole"],
  ["bytes=0-1,3-4", "whole"],
  ["lines=1-2", "whole"],
])("reads the range %s", (header, range) => expect(parseRange(header, 10)).toEqual(range));
