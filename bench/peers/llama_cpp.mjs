// The peer llama.cpp, native on the CPU, through the prebuilt binary of npm's `node-llama-cpp`.
//
// Two users: `make bench` times it, and tests/parity compares Hearth's answers with its answers.
// It runs on its own too: `node bench/peers/llama_cpp.mjs --help`.
//
// Its defaults are kept, as somebody who installs it gets them: flash attention "auto", keys and
// values in 16-bit floats, batches of 512 tokens. The GPU is switched off, and so is building from
// source.

import { readFileSync } from "node:fs";
import { runAlone } from "../lib/alone.mjs";
import { PeerMissingError } from "../lib/errors.mjs";

const installed = new URL("./node_modules/node-llama-cpp/package.json", import.meta.url);

/** @returns {string} the version of the npm package; throws PeerMissingError if not installed */
export function version() {
  try {
    return JSON.parse(readFileSync(installed, "utf8")).version;
  } catch {
    throw new PeerMissingError("node-llama-cpp");
  }
}

/**
 * Loads a GGUF into llama.cpp.
 *
 * @param {{ model: string, threads?: number, contextSize?: number }} options
 *   `model`: path of the GGUF; `threads`: 2 unless told; `contextSize`: tokens, 2,048 unless told.
 */
export async function openLlamaCpp({ model: modelPath, threads = 2, contextSize = 2048 }) {
  version();
  const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  });
  const began = performance.now();
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({ contextSize, threads, batchSize: 512 });
  const sequence = context.getSequence();
  const loadSeconds = (performance.now() - began) / 1000;

  // Greedy: temperature 0 makes node-llama-cpp use nothing but the arg max sampler.
  const greedy = { temperature: 0 };

  return {
    loadSeconds,

    /** @param {string} text @param {boolean} parseSpecial @returns {number[]} no BOS is added */
    tokenize(text, parseSpecial) {
      return [...model.tokenize(text, parseSpecial)];
    },

    /** @param {number[]} ids @returns {string} */
    detokenize(ids) {
      return model.detokenize(ids, true);
    },

    /**
     * Natural log-probability of each token of `ids` after the first, given all before it.
     * @param {number[]} ids at most `contextSize` tokens
     * @returns {Promise<Float64Array>} (position), ids.length − 1 long
     */
    async score(ids) {
      await sequence.clearHistory();
      // `includeMax` returns nothing in 3.22.1 unless the filter already names the maximum, so the
      // maximum is asked for as the token that a greedy sampler selects.
      const items = ids.map((id, i) => {
        if (i + 1 === ids.length) return id;
        const filter = { tokens: [ids[i + 1]], includeSelected: true };
        return [
          id,
          { generateNext: { logits: { filter }, totalLogitWeight: true, options: greedy } },
        ];
      });
      const results = await sequence.controlledEvaluate(items);
      const out = new Float64Array(ids.length - 1);
      for (let i = 0; i < out.length; i++) {
        const { logits, totalLogitWeight } = results[i].next;
        // totalLogitWeight is the sum over the vocabulary of exp(logit − largest logit).
        out[i] = logits.get(ids[i + 1]) - Math.max(...logits.values()) - Math.log(totalLogitWeight);
      }
      return out;
    },

    /**
     * The most probable next tokens after `ids`.
     * @param {number[]} ids
     * @param {number} count
     * @returns {Promise<{ id: number, logProbability: number }[]>} best first
     */
    async top(ids, count) {
      await sequence.clearHistory();
      const filter = { tokens: [], includeTop: count };
      const last = ids[ids.length - 1];
      const results = await sequence.controlledEvaluate([
        ...ids.slice(0, -1),
        [last, { generateNext: { logits: { filter }, totalLogitWeight: true, options: greedy } }],
      ]);
      const { logits, totalLogitWeight } = results[ids.length - 1].next;
      const largest = Math.max(...logits.values());
      return [...logits].map(([id, logit]) => ({
        id,
        logProbability: logit - largest - Math.log(totalLogitWeight),
      }));
    },

    /**
     * Greedy continuation, token by token.
     * @param {number[]} ids
     * @param {number} count
     * @returns {Promise<{ ids: number[], firstSeconds: number, lastSeconds: number }>}
     *   the new ids, and when the first and the last of them arrived
     */
    async continue(ids, count) {
      await sequence.clearHistory();
      const out = [];
      const start = performance.now();
      let first = 0;
      let last = 0;
      for await (const id of sequence.evaluate(ids, { ...greedy, yieldEogToken: true })) {
        last = performance.now();
        if (out.length === 0) first = last;
        out.push(id);
        if (out.length === count) break;
      }
      return { ids: out, firstSeconds: (first - start) / 1000, lastSeconds: (last - start) / 1000 };
    },

    async close() {
      await llama.dispose();
    },
  };
}

/**
 * The peer as `make bench` sees it; see lib/peer.mjs for the shape.
 * @param {{ model: string, threads: number }} options
 * @returns {Promise<import("../lib/peer.mjs").Peer>}
 */
export async function create({ model, threads }) {
  let engine;
  return {
    name: "llama.cpp",
    where: "native",
    threads,
    version: `node-llama-cpp ${version()}`,
    async load() {
      engine = await openLlamaCpp({ model, threads, contextSize: 1024 });
      return { seconds: engine.loadSeconds };
    },
    async generate({ ids }, count) {
      const { ids: made, firstSeconds, lastSeconds } = await engine.continue(ids, count);
      return { promptTokens: ids.length, tokens: made.length, firstSeconds, lastSeconds };
    },
    async close() {
      await engine?.close();
      engine = undefined;
    },
  };
}

await runAlone(import.meta.url, { create, browser: false });
