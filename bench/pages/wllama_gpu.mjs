// The page side of wllama on WebGPU.

import { LoggerWithoutDebug, Wllama } from "/wllama/index.js";

/** @param {{ url: string }} options the address of a GGUF */
export async function run({ url }) {
  const engine = new Wllama(
    { default: "/wllama/wasm/wllama.wasm" },
    { suppressNativeLog: true, logger: LoggerWithoutDebug },
  );
  if (!engine.isSupportWebGPU()) throw new Error("wllama finds no WebGPU here.");
  await engine.loadModelFromUrl(url, { n_gpu_layers: 999, n_ctx: 1024, useCache: false });
  const long = [];
  const short = [];
  // It takes text only, in which a word here is five tokens: some 512, and some 80. The first of each
  // warms it up.
  for (let repeat = 0; repeat < 3; repeat++) {
    long.push(await complete(engine, `t${repeat} t6 `.repeat(51), 2));
    short.push(await complete(engine, `t${repeat} t9 `.repeat(8), 65));
  }
  await engine.exit();
  return {
    prefill: Math.max(...long.slice(1).map((each) => each.prefill)),
    decode: Math.max(...short.slice(1).map((each) => each.decode)),
    detail: { long, short },
  };
}

async function complete(engine, prompt, count) {
  const began = performance.now();
  let first = 0;
  let last = 0;
  let usage;
  await engine.createCompletion({
    prompt,
    max_tokens: count,
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
    prefill: usage.prompt_tokens / ((first - began) / 1000),
    decode: (usage.completion_tokens - 1) / ((last - first) / 1000),
  };
}
