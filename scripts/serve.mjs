// A static server for the built app and the model folder: node:http, nothing else. It sends the
// headers that threads and the app's policy need, serves byte ranges of models, and answers 404 to
// whatever is not there: no page in place of a missing file.
//
//   node scripts/serve.mjs [--port 8080] [--no-isolation]
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";
import { commonHeaders, isolationHeaders } from "../apps/studio/headers.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where the built app is. */
export const appFolder = join(root, "apps/studio/dist");

/** Where `hearth pull` puts models, unless HEARTH_MODELS says another folder. */
export const modelFolder = () => resolve(root, process.env.HEARTH_MODELS ?? ".cache/models");

const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

/**
 * The file that a request's path names inside a folder, or undefined when there is none. Symbolic
 * links are followed only while they stay inside.
 *
 * @param {string} folder
 * @param {string} path percent-encoded, relative to the folder
 */
async function findFile(folder, path) {
  let name;
  try {
    name = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (name.includes("\0") || name.includes("\\")) return undefined;
  // The model store keeps its notes and half downloads in hidden folders.
  if (name.split("/").some((part) => part.startsWith("."))) return undefined;
  try {
    const base = await realpath(folder);
    const file = await realpath(join(base, name));
    if (!file.startsWith(base + sep)) return undefined;
    const facts = await stat(file);
    return facts.isFile() ? { file, size: facts.size, modified: facts.mtime } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads a Range header for a file of `size` bytes.
 *
 * @returns {{ start: number, end: number } | "whole" | "impossible"} end is inclusive. Several
 * ranges, or what is no range at all, get the whole file, as RFC 9110 allows.
 */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return "whole";
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? "impossible" : { start: size - length, end: size - 1 };
  }
  const start = Number(match[1]);
  const end = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== "" && Number(match[2]) < start) return "whole";
  return start >= size ? "impossible" : { start, end };
}

/** Names that Vite derives from the content, which can therefore be kept for ever. */
const hashed = /^\/assets\/.+-[\w-]{8}\.\w+$/;

async function respond(request, response, { app, models, headers }) {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const finish = (status, text) => {
    response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
    response.end(request.method === "HEAD" ? undefined : `${text}\n`);
  };
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return finish(405, "Only GET and HEAD are answered here.");
  }
  const path = (request.url ?? "/").split("?", 1)[0];
  const ofModels = path.startsWith("/models/");
  const found = ofModels
    ? await findFile(models, path.slice("/models/".length))
    : await findFile(app, path === "/" ? "index.html" : path.slice(1));
  if (!found) return finish(404, "There is no such file.");

  const { file, size, modified } = found;
  const tag = `"${size.toString(16)}-${modified.getTime().toString(16)}"`;
  response.setHeader("ETag", tag);
  response.setHeader("Accept-Ranges", "bytes");
  response.setHeader("Content-Type", types[extname(file)] ?? "application/octet-stream");
  // The page keeps models itself; a second copy in the browser's cache would only take room.
  const keep = ofModels
    ? "no-store"
    : hashed.test(path)
      ? "public, max-age=31536000, immutable"
      : "no-cache";
  response.setHeader("Cache-Control", keep);
  if (request.headers["if-none-match"] === tag) {
    response.writeHead(304);
    return response.end();
  }
  // A range of a file that has changed since would be glued to the wrong bytes.
  const condition = request.headers["if-range"];
  const range = condition && condition !== tag ? "whole" : parseRange(request.headers.range, size);
  if (range === "impossible") {
    response.setHeader("Content-Range", `bytes */${size}`);
    return finish(416, "The file does not reach that far.");
  }
  const { start, end } = range === "whole" ? { start: 0, end: size - 1 } : range;
  if (range !== "whole") response.setHeader("Content-Range", `bytes ${start}-${end}/${size}`);
  response.setHeader("Content-Length", end - start + 1);
  response.writeHead(range === "whole" ? 200 : 206);
  if (request.method === "HEAD" || size === 0) return response.end();
  // A reader that goes away half-way is no error of ours, and pipeline closes the file.
  pipeline(createReadStream(file, { start, end }), response, () => {});
}

/**
 * Starts the server.
 *
 * @param {object} [options]
 * @param {number} [options.port] 0 takes a free one
 * @param {string} [options.host]
 * @param {string} [options.app] folder of the built app
 * @param {string} [options.models] folder of the models
 * @param {boolean} [options.isolated] send the headers that threads need
 * @param {(request: import("node:http").IncomingMessage,
 *          response: import("node:http").ServerResponse) => boolean} [options.intercept]
 *   sees each request first, and returns whether it has answered it; tests put faults here
 * @returns {Promise<{ url: string, port: number, close(): Promise<void> }>}
 */
export async function serve({
  port = 0,
  host = "127.0.0.1",
  app = appFolder,
  models = modelFolder(),
  isolated = true,
  intercept = () => false,
} = {}) {
  const headers = { ...commonHeaders, ...(isolated ? isolationHeaders : {}) };
  const server = createServer((request, response) => {
    if (intercept(request, response)) return;
    respond(request, response, { app, models, headers }).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise((done, failed) => {
    server.once("error", failed);
    server.listen(port, host, done);
  });
  const bound = server.address().port;
  return {
    url: `http://${host}:${bound}/`,
    port: bound,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function main() {
  const { parseArgs } = await import("node:util");
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8080" },
      isolation: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const { url } = await serve({ port: Number(values.port), isolated: values.isolation });
  console.log(`Hearth Studio: ${url}   (Ctrl-C ends)`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
