// Builds the package into dist/: bundles for browsers and Node, and types. The WebAssembly in
// dist/wasm comes from the core's build and is left alone.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { bundle } from "./bundle.mjs";

const root = fileURLToPath(new URL(".", import.meta.url));
process.chdir(root);

if (!existsSync("src/abi.generated.ts")) {
  console.error("src/abi.generated.ts is missing: run `make schema` first.");
  process.exit(1);
}
if (existsSync("dist")) {
  for (const entry of readdirSync("dist")) {
    if (entry !== "wasm") rmSync(`dist/${entry}`, { recursive: true });
  }
}

await bundle("dist");

const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
const types = spawnSync(tsc, ["-p", "tsconfig.build.json"], { stdio: "inherit" });
if (types.status !== 0) process.exit(types.status ?? 1);

// What a page downloads must stay small.
const limit = 150 * 1024;
let total = 0;
for (const name of ["index.js", "worker.js", "thread.js", "isolate-worker.js"]) {
  const bytes = readFileSync(`dist/${name}`);
  const zipped = gzipSync(bytes, { level: 9 }).length;
  total += zipped;
  const small = brotliCompressSync(bytes).length;
  console.log(`${name}: ${bytes.length} bytes, ${zipped} with gzip, ${small} with brotli`);
}
console.log(`JavaScript for a page: ${total} bytes with gzip, of at most ${limit}`);
if (total > limit) {
  console.error("That is too large.");
  process.exit(1);
}
