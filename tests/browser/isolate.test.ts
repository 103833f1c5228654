/** Pages whose server sends no headers: the package's service worker isolates them, and threads run. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Hearth from "../../packages/hearth/src/index.js";
import { type Chromium, launch } from "./harness.js";

const dist = fileURLToPath(new URL("../../packages/hearth/dist/", import.meta.url));
const golden = fileURLToPath(new URL("../goldens/llama/", import.meta.url));

const html = `<!doctype html><title>isolate</title><link rel="icon" href="data:,">
<script type="module">
  import * as hearth from "/hearth/index.js";
  globalThis.hearth = hearth;
  const script = new URLSearchParams(location.search).get("script") ?? undefined;
  globalThis.isolation = await hearth.isolate({ script }).catch((error) => error.toJSON());
</script>`;

type Scope = { hearth: typeof Hearth; isolation: Hearth.Isolation };

let browser: Chromium;
let server: Server;
let base: string;
let loads = 0;

beforeAll(async () => {
  browser = await launch();
  server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "", "http://x").pathname;
    const file = path
      .replace(/^\/(?:sub\/)?isolate-worker\.js$/, `${dist}isolate-worker.js`)
      .replace(/^\/hearth\//, dist)
      .replace(/^\/model\//, golden);
    if (path === "/") loads++;
    const body = path === "/" ? Buffer.from(html) : await readFile(file).catch(() => undefined);
    if (!body) {
      response.statusCode = 404;
      return response.end();
    }
    const types = { js: "text/javascript", wasm: "application/wasm" } as Record<string, string>;
    const type = types[path.split(".").pop() ?? ""];
    if (path === "/") response.setHeader("content-type", "text/html");
    else if (type) response.setHeader("content-type", type);
    return response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

async function isolation(page: Page, query = ""): Promise<Hearth.Isolation> {
  await page.goto(`${base}/${query}`);
  const found = await page.waitForFunction(() => (globalThis as unknown as Scope).isolation);
  return (await found.jsonValue()) as Hearth.Isolation;
}

describe("isolate", () => {
  it("says so when its script is not there, or out of the page's reach", async () => {
    const page = await browser.context.newPage();
    const gone = { code: "not_found", subject: expect.stringContaining("/none.js") };
    expect(await isolation(page, "?script=none.js")).toMatchObject(gone);
    expect(await isolation(page, "?script=sub/isolate-worker.js")).toEqual({
      isolated: false,
      reason: expect.stringContaining("lies elsewhere"),
    });
    await page.close();
  });

  it("loads the page once more, and threads run", async () => {
    const page = await browser.context.newPage();
    loads = 0;
    expect(await isolation(page)).toEqual({ isolated: true });
    expect(loads).toBe(2);
    const ran = await page.evaluate(async () => {
      const { hearth } = globalThis as unknown as Scope;
      const model = new URL("/model/model.safetensors", location.href).href;
      const engine = await hearth.createEngine({ model, threads: 2, device: "wasm" });
      const { logits } = await engine.forward([1, 2, 3]);
      const { threads, variant } = engine.info;
      await engine.close();
      return { threads, variant, finite: logits.every(Number.isFinite) };
    });
    expect(ran).toEqual({ threads: 2, variant: "relaxed-mt", finite: true });
    await page.close();
  });

  it("needs no second load from then on", async () => {
    const page = await browser.context.newPage();
    loads = 0;
    expect(await isolation(page)).toEqual({ isolated: true });
    expect(loads).toBe(1);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  });
});
