// Gemma 3 270M, as Q4_K_M, against llama.cpp: token ids and perplexity. Apart from the other parity
// test, as the file is 253 MB (`make test-parity-large` fetches it).
//
// gemma3.json has llama.cpp's ids of the text, and the log-probabilities that it finds for each after
// the first when the same weights are given to it as 32-bit floats (widen.py writes that file, and
// `score` of bench/peers/llama_cpp.mjs reads it, in node-llama-cpp 3.22.1). On the quantized file
// llama.cpp's own rounding of activations to 8 bits shows: its perplexity of these 1,000 tokens is
// 26.653 there and 26.451 in floats, 0.76 % apart, where Hearth's is 26.466, and 26.455 with `exact`.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createEngine } from "hearth";
import { expect, test } from "vitest";
import { root } from "../../bench/lib/model.mjs";
import { findSoftwareDriver } from "../../packages/hearth/src/testing/software-driver.js";

const folder = process.env.HEARTH_MODELS ?? join(root, ".cache", "models");
const model = join(folder, "gemma-3-270m-q4_k_m.gguf");

/** From the issue: half a percent. */
const tolerance = 0.005;

interface Reference {
  /** The text's first tokens, with the one that Gemma begins every text with. */
  ids: number[];
  logProbabilities: number[];
}

const text = readFileSync(new URL("../parity/text.txt", import.meta.url), "utf8");
const reference = new URL("./gemma3.json", import.meta.url);
const { ids, logProbabilities }: Reference = JSON.parse(readFileSync(reference, "utf8"));

function perplexity(each: ArrayLike<number>): number {
  const sum = Array.from(each).reduce((total, one) => total + one, 0);
  return Math.exp(-sum / each.length);
}

test.each([
  // Past the windows of 512 tokens, so that keys fall out of them.
  ["native", ids.length],
  ["wasm", ids.length],
  // On a software adapter a token takes a large part of a second.
  ["webgpu", 96],
] as const)(
  "has llama.cpp's ids and perplexity on %s",
  { timeout: 900_000 },
  async (device, count) => {
    if (!existsSync(model)) throw new Error(`${model} is missing: run scripts/fetch-gemma3.sh.`);
    if (device === "webgpu") findSoftwareDriver();
    // Over so few tokens rounding to 8 bits does not average out.
    const exact = device === "webgpu";
    const engine = await createEngine({ model, device, contextLength: 1024, exact });
    try {
      const own = await engine.tokenize(text, { addSpecial: true });
      expect(own.slice(0, ids.length)).toEqual(ids);
      const ours = perplexity(await engine.score(ids.slice(0, count)));
      const theirs = perplexity(logProbabilities.slice(0, count - 1));
      const difference = `${(100 * (ours / theirs - 1)).toFixed(3)} %`;
      console.log(`perplexity on ${device} ${ours.toFixed(4)}, in llama.cpp ${theirs.toFixed(4)}`);
      expect(Math.abs(ours / theirs - 1), difference).toBeLessThan(tolerance);
    } finally {
      await engine.close();
    }
  },
);
