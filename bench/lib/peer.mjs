// The one shape that every engine takes in the bench, so that each is asked the same in the same
// words and timed by the same clock.
//
// Time is taken by the consumer of the tokens, never by the engine's own counters: from the request
// until the first token is in the caller's hands (prefill), and from there to the last (decode).

import { prompt } from "./prompt.mjs";

/**
 * @typedef {object} Generated
 * @property {number} promptTokens tokens that the engine says it read
 * @property {number} tokens tokens that it made
 * @property {number} firstSeconds from the request to the first token
 * @property {number} lastSeconds from the request to the last token
 */

/**
 * @typedef {object} Peer
 * @property {string} name the engine
 * @property {"browser" | "node" | "native"} where what it runs in
 * @property {number} threads
 * @property {string} version as the table shows it
 * @property {() => Promise<{ seconds: number, note?: string }>} load
 *   from files that are already on this machine's disk (a browser: in its own storage) until it can
 *   take a prompt
 * @property {(prompt: import("./prompt.mjs").Prompt, count: number) => Promise<Generated>} generate
 *   greedy continuation by `count` tokens
 * @property {() => Promise<void>} close
 */

/**
 * @typedef {object} Sample one repetition of one engine
 * @property {string} [note] what load() said of the build that runs
 * @property {number} loadSeconds
 * @property {Record<number, number>} prefill prompt length → tokens per second
 * @property {number} decode tokens per second
 */

/**
 * Measures an engine once: load, one unmeasured prompt, each prompt length, then decode.
 *
 * @param {Peer} peer closed on return, whatever happens
 * @param {{ lengths: number[], steps: number }} plan prompt lengths in tokens; decode steps
 * @returns {Promise<Sample>}
 */
export async function measure(peer, { lengths, steps }) {
  try {
    const { seconds, note } = await peer.load();
    // Pages of a mapped file are read, and code is compiled, when first used: not counted.
    await peer.generate(prompt(lengths[0], 1), 4);
    const prefill = {};
    for (const [i, length] of lengths.entries()) {
      const made = await peer.generate(prompt(length, i + 2), 1);
      if (made.promptTokens !== length)
        throw new Error(`${peer.name} read ${made.promptTokens} tokens of a prompt of ${length}.`);
      prefill[length] = length / made.firstSeconds;
    }
    // The first token comes from the prefill, so `steps` decode steps make `steps` + 1 tokens.
    const made = await peer.generate(prompt(lengths[0], 0), steps + 1);
    if (made.tokens !== steps + 1)
      throw new Error(`${peer.name} made ${made.tokens} tokens, not the ${steps + 1} asked for.`);
    return {
      note,
      loadSeconds: seconds,
      prefill,
      decode: (made.tokens - 1) / (made.lastSeconds - made.firstSeconds),
    };
  } finally {
    await peer.close();
  }
}
