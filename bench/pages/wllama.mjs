// The page side of the peer wllama: llama.cpp compiled to WebAssembly, from its npm package.

import { LoggerWithoutDebug, Wllama } from "/wllama/index.js";

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
  const began = performance.now();
  let first = 0;
  let last = 0;
  let usage;
  await engine.createCompletion({
    prompt: text, // it takes no ids
    max_tokens: count,
    // Greedy by a chain of one sampler, so that no time goes into sorting what is not used.
    temperature: 0,
    top_k: 1,
    samplers: ["top_k"],
    ignore_eos: true,
    cache_prompt: false,
    stream: true,
    stream_options: { include_usage: true },
    onData(chunk) {
      if (chunk.choices?.[0]?.text) {
        last = performance.now();
        first ||= last;
      }
      if (chunk.usage) usage = chunk.usage;
    },
  });
  return {
    promptTokens: usage.prompt_tokens,
    tokens: usage.completion_tokens,
    firstSeconds: (first - began) / 1000,
    lastSeconds: (last - began) / 1000,
  };
}
