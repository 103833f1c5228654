// The page side of wllama on WebGPU.

import { LoggerWithoutDebug, Wllama } from "/wllama/index.js";
import { complete } from "./wllama-complete.mjs";

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
    long.push(await timed(engine, `t${repeat} t6 `.repeat(51), 2));
    short.push(await timed(engine, `t${repeat} t9 `.repeat(8), 65));
  }
  await engine.exit();
  return {
    prefill: Math.max(...long.slice(1).map((each) => each.prefill)),
    decode: Math.max(...short.slice(1).map((each) => each.decode)),
    detail: { long, short },
  };
}

async function timed(engine, prompt, count) {
  const run = await complete(engine, prompt, count);
  return {
    promptTokens: run.promptTokens,
    prefill: run.promptTokens / run.firstSeconds,
    decode: (run.tokens - 1) / (run.lastSeconds - run.firstSeconds),
  };
}
