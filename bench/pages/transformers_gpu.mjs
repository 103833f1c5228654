// The page side of Transformers.js on ONNX Runtime's WebGPU.

import { AutoModelForCausalLM, env, Tensor } from "@huggingface/transformers";

/** @param {{ model: string, dtype: string, prefill: number, tokens: number, device: string }} options */
export async function run({ model, dtype, prefill, tokens, device }) {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/onnx-models/";
  env.backends.onnx.wasm.wasmPaths = "/ort/";
  const loaded = await AutoModelForCausalLM.from_pretrained(model, { dtype, device });
  const long = [];
  const short = [];
  // The first of each warms it up.
  for (let repeat = 0; repeat < 3; repeat++) {
    long.push((await generate(loaded, prefill, 1, repeat)).firstSeconds);
    short.push(await generate(loaded, 8, tokens, repeat));
  }
  await loaded.dispose();
  const best = Math.min(...short.slice(1).map((each) => each.restSeconds));
  return {
    prefill: prefill / Math.min(...long.slice(1)),
    decode: (tokens - 1) / best,
    detail: { long, short },
  };
}

/** Seconds to the first token and from it to the last, of `count` tokens after `length` ids. */
async function generate(model, length, count, seed) {
  const ids = BigInt64Array.from({ length }, (_, i) => BigInt(3 + ((i * 7919 + seed * 31) % 1000)));
  const began = performance.now();
  let first = 0;
  let last = 0;
  // It hands the prompt over first, then each token.
  let puts = 0;
  const streamer = {
    put() {
      if (puts++ === 0) return;
      last = performance.now();
      first ||= last;
    },
    end() {},
  };
  await model.generate({
    input_ids: new Tensor("int64", ids, [1, length]),
    attention_mask: new Tensor("int64", new BigInt64Array(length).fill(1n), [1, length]),
    do_sample: false,
    max_new_tokens: count,
    min_new_tokens: count,
    streamer,
  });
  return { firstSeconds: (first - began) / 1000, restSeconds: (last - first) / 1000 };
}
