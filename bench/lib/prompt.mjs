// The prompts that every engine reads.
//
// bench/prompt.json has 512 different words, each of them, with the space before it, one token of
// SmolLM2's vocabulary; so any run of n of them is a prompt of exactly n tokens, both as ids and as
// text (wllama takes only text). They are the first such words of tests/parity/text.txt. What a
// prompt says does not change how long an engine needs for it.

import { readFileSync } from "node:fs";

const { text, ids } = JSON.parse(readFileSync(new URL("../prompt.json", import.meta.url), "utf8"));
const words = text.split(" ");

/** @typedef {{ ids: number[], text: string }} Prompt the same tokens twice */

/** The longest prompt, in tokens. */
export const longest = ids.length;

/**
 * @param {number} length in tokens, at most `longest`
 * @param {number} first which word the prompt starts with, from 0: prompts that start with
 *   different words share no prefix, so an engine that remembers prompts has nothing to remember
 * @returns {Prompt}
 */
export function prompt(length, first) {
  const places = Array.from({ length }, (_, i) => (first + i) % ids.length);
  return {
    ids: places.map((place) => ids[place]),
    text: places.map((place) => ` ${words[place]}`).join(""),
  };
}
