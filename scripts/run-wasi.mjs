// Runs a WASI command under Node: node scripts/run-wasi.mjs FILE.wasm [arguments…]
// Node 20 hides relaxed SIMD behind a flag, so a build that needs it is run with
// --experimental-wasm-relaxed-simd (the Makefile does).
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [file, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [file, ...args],
  env: process.env,
  preopens: { ".": "." },
  returnOnExit: true,
});
const module = await WebAssembly.compile(await readFile(file));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
