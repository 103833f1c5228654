// One headless Chromium, and one local server for the pages that the browser engines run in.
//
// The server sends the two headers that make a page cross-origin isolated (without them a page has
// no shared memory, so no threads), and answers byte ranges, which Hearth loads weights by.

import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, extname, join, normalize, sep } from "node:path";
import { chromium } from "playwright-core";
import { root } from "./model.mjs";

const types = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const peer = (...path) => join(root, "bench", "peers", "node_modules", ...path);

/** What the pages may read, by the first folder of the address. */
export const folders = {
  hearth: join(root, "packages", "hearth", "dist"),
  jinja: join(root, "node_modules", "@huggingface", "jinja", "dist"),
  "hash-wasm": join(root, "node_modules", "hash-wasm", "dist"),
  pages: join(root, "bench", "pages"),
  wllama: peer("@wllama", "wllama", "esm"),
  transformers: peer("@huggingface", "transformers", "dist"),
  ort: peer("onnxruntime-web", "dist"),
  "ort-common": peer("onnxruntime-common", "dist", "esm"),
  "onnx-models": join(tmpdir(), "hearth-onnx-models"),
};

// Quiet (no update checks, no first-run page), and without the sandbox that root may not use. The
// same flags for every engine: none of them names a feature that one engine uses and another not.
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// WebGPU on a graphics card without a display. Features behind `allow_unsafe_apis` and the like are for
// every engine alike.
const gpuFlags = [
  "--enable-unsafe-webgpu",
  "--ignore-gpu-blocklist",
  "--disable-gpu-sandbox",
  "--use-angle=vulkan",
  "--enable-features=Vulkan",
  "--disable-vulkan-surface",
  "--enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis",
  "--disable-dawn-features=timestamp_quantization",
];

/** @returns {string} the Chromium to run ($CHROMIUM_FLAGS adds flags): $CHROMIUM, else the first that is installed */
function findChromium() {
  const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const found = process.env.CHROMIUM ?? places.find((place) => existsSync(place));
  if (!found) throw new Error("Chromium is not installed: set CHROMIUM to its path.");
  return found;
}

/** Serves `size` bytes of `path`, or the range asked for. */
function sendFile(request, response, path) {
  const { size, mtimeMs } = statSync(path);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const first = range ? Number(range[1]) : 0;
  const last = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (first > last) {
    response.writeHead(416, { "Content-Range": `bytes */${size}` }).end();
    return;
  }
  response.writeHead(range ? 206 : 200, {
    "Accept-Ranges": "bytes",
    "Content-Length": last - first + 1,
    "Content-Type": types[extname(path)] ?? "application/octet-stream",
    ETag: `"${size}-${Math.trunc(mtimeMs)}"`,
    ...(range && { "Content-Range": `bytes ${first}-${last}/${size}` }),
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(path, { start: first, end: last }).pipe(response);
}

/**
 * @param {{ model: string, gpu?: boolean }} options path of the GGUF that pages get at `modelUrl`;
 *   whether pages get the graphics card
 * @returns {Promise<BrowserHost>}
 *
 * @typedef {object} BrowserHost
 * @property {string} version such as "Chromium 156.0.8078.79"
 * @property {string} modelUrl
 * @property {(module: string) => Promise<import("playwright-core").Page>} open
 *   a fresh page with a module of bench/pages as `globalThis.peer`
 * @property {() => Promise<void>} close
 */
export async function startBrowser({ model, gpu = false }) {
  const modelPath = `/models/${encodeURIComponent(basename(model))}`;
  const server = createServer((request, response) => {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === modelPath) return sendFile(request, response, model);
    if (pathname === "/") return sendFile(request, response, join(folders.pages, "blank.html"));
    const [, folder, ...rest] = decodeURIComponent(pathname).split("/");
    const base = folders[folder];
    const path = base && normalize(join(base, ...rest));
    if (!path?.startsWith(base + sep) || !existsSync(path) || !statSync(path).isFile()) {
      response.writeHead(404).end();
      return;
    }
    sendFile(request, response, path);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const origin = `http://localhost:${server.address().port}`;

  // A profile on the disk: a private one would keep its storage in memory.
  const profile = mkdtempSync(join(tmpdir(), "hearth-bench-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    headless: false, // the flag above says it: Playwright would choose its own shell
    args: [
      ...(gpu ? [...flags, ...gpuFlags] : flags),
      ...(process.env.CHROMIUM_FLAGS?.split(" ") ?? []),
    ],
  });
  const session = await context.newCDPSession(context.pages()[0] ?? (await context.newPage()));
  const { product } = await session.send("Browser.getVersion");

  return {
    version: product.replace(/^(Headless)?Chrome\//, "Chromium "),
    modelUrl: origin + modelPath,
    async open(module) {
      const page = await context.newPage();
      page.on("pageerror", (error) => console.error(`${module}: ${error.message}`));
      await page.goto(origin);
      await page.evaluate(async (address) => {
        globalThis.peer = await import(address);
      }, `/pages/${module}`);
      return page;
    },
    async close() {
      await context.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
