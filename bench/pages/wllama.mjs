// The page side of the peer wllama: llama.cpp compiled to WebAssembly, from its npm package.

import { LoggerWithoutDebug, Wllama } from "/wllama/index.js";
import { complete } from "./wllama-complete.mjs";

let engine;

/**
 * @param {{ url: string, threads: number }} options
 * @returns {Promise<{ seconds: number, threads: number }>} from its own cache in OPFS to ready
 */
export async function load({ url, threads }) {
  engine = new Wllama(
    { default: "/wllama/wasm/wllama.wasm" },
    { suppressNativeLog: true, logger: LoggerWithoutDebug },
  );
  await engine.modelManager.getModelOrDownload({ url }); // the download is not measured
  const began = performance.now();
  // No GPU layers: this is the comparison of CPUs. The context is what the longest prompt and its
  // continuation need.
  await engine.loadModelFromUrl(url, { n_threads: threads, n_gpu_layers: 0, n_ctx: 1024 });
  const seconds = (performance.now() - began) / 1000;
  return { seconds, threads: engine.getNumThreads() };
}

/** Greedy continuation; see lib/peer.mjs. */
export async function generate({ text, count }) {
  return complete(engine, text, count);
}
