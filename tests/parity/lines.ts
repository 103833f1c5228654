// The 2,000 lines over which tokenizers are compared: made by a generator that always makes the
// same ones, so that a difference can be named by its number.
//
// Each kind of line aims at one way in which tokenizers go wrong: pre-tokenizer rules (contractions,
// runs of spaces, digits), bytes of characters outside the vocabulary, merges across long words,
// and special tokens inside of text.

import { readFileSync } from "node:fs";
import {
  code,
  contractions,
  emoji,
  languages,
  marks,
  names,
  punctuation,
  spaces,
  specials,
  syllables,
} from "./words.js";

/** One line, and whether special tokens in it are to be parsed. */
export interface Line {
  kind: string;
  text: string;
  parseSpecial: boolean;
}

/** Whole numbers below a bound, the same sequence for the same seed (xorshift32, Marsaglia 2003). */
export class Dice {
  #state: number;

  /** @param seed any whole number but 0 */
  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number from 0 to `bound` − 1. */
  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % bound;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** `count` picks, each made anew. */
  picks<T>(list: readonly T[], count: number): T[] {
    return Array.from({ length: count }, () => this.pick(list));
  }
}

const vocabulary = Object.fromEntries(
  Object.entries(languages).map(([name, words]) => [name, words.split(" ")]),
);
const allWords = Object.values(vocabulary).flat();
/** The words of the text that perplexity is measured on, with their punctuation. */
const proseWords = readFileSync(new URL("./text.txt", import.meta.url), "utf8").split(/\s+/);
const digits = "0123456789";
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function sentence(dice: Dice, words: readonly string[]): string {
  const parts = dice.picks(words, dice.between(3, 14)).map((word) => {
    const mark = dice.below(6) === 0 ? dice.pick([",", ";", " –", ":", "،", "、"]) : "";
    return word + mark;
  });
  const text = parts.join(" ") + dice.pick([".", "!", "?", "…", "", '."', "。"]);
  return dice.below(2) === 0 ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

function mixedCase(dice: Dice, word: string): string {
  return [...word].map((c) => (dice.below(2) === 0 ? c.toUpperCase() : c.toLowerCase())).join("");
}

function number(dice: Dice): string {
  const run = (length: number) => dice.picks([...digits], length).join("");
  return dice.pick([
    () => run(dice.between(1, 12)),
    () => `${run(2)},${run(3)},${run(3)}.${run(2)}`,
    () => `-${run(1)}.${run(6)}e${dice.pick(["+", "-", ""])}${run(2)}`,
    () => `${run(4)}-${run(2)}-${run(2)}T${run(2)}:${run(2)}:${run(2)}Z`,
    () => `0x${dice.picks([..."0123456789abcdefABCDEF"], 8).join("")}`,
    () => `${run(3)}.${run(3)}.${run(1)}.${run(2)}`,
    () => `+${run(2)} (0)${run(3)} ${run(3)}-${run(4)}`,
    () => `${run(2)}%`,
    () => `$${run(3)}.${run(2)}`,
    () => `${run(1)}½ ${run(1)}² ⅷ ١٢٣ ४५ ５６ ³⁴`,
    () => `v${run(1)}.${run(2)}.${run(1)}-rc${run(1)}`,
    () => `${run(3)}km/h`,
  ])();
}

function url(dice: Dice): string {
  const word = () => dice.pick(allWords);
  return dice.pick([
    () =>
      `https://www.${dice.pick(names)}.example/${word()}/${number(dice)}?q=${word()}&n=%20#${word()}`,
    () => `mailto:${dice.pick(names)}+tag@mail.example.org`,
    () => `ftp://user:p%40ss@[2001:db8::${dice.below(9999)}]:8080/~${dice.pick(names)}/../x.tar.gz`,
    () => `C:\\Users\\${dice.pick(names)}\\${word()} (${dice.below(9)}).docx`,
    () => `../${dice.pick(names)}/${dice.pick(names)}.test.ts:${dice.below(999)}:${dice.below(80)}`,
    () => `@${dice.pick(names)} #${word()} r/${dice.pick(names)}`,
  ])();
}

/** Characters below the space, and the rest that is never printed; NUL included. */
const controls = [
  ...Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)),
  "\u007f",
  "\u0080",
  "\u009f",
  "\u200c",
  "\u200d",
  "\u2066",
  "\ufffd",
  "\uffff",
  "\u{10ffff}",
  "\ue000",
];

const kinds: Record<string, (dice: Dice) => string> = {
  prose: (dice) => sentence(dice, proseWords),
  "made-up words": (dice) =>
    Array.from({ length: dice.between(2, 8) }, () => {
      const word = dice.picks(syllables, dice.between(1, 5)).join("");
      return dice.pick([word, word, word.charAt(0).toUpperCase() + word.slice(1), `${word}s`]);
    }).join(dice.pick([" ", " ", ".", "("])),
  language: (dice) => sentence(dice, vocabulary[dice.pick(Object.keys(vocabulary))] as string[]),
  "mixed languages": (dice) => sentence(dice, allWords),
  code: (dice) =>
    dice
      .pick(code)
      .replaceAll("@", () => dice.pick(names))
      .replaceAll("#", () => String(dice.below(10 ** dice.between(1, 5)))),
  emoji: (dice) =>
    dice
      .picks(emoji, dice.between(1, 8))
      .map((one) => one + dice.pick(["", "", " ", dice.pick(allWords)]))
      .join(""),
  "combining marks": (dice) =>
    [...dice.pick(allWords)]
      .map((c) => c + dice.picks(marks, dice.between(0, 3)).join(""))
      .join(""),
  decomposed: (dice) => sentence(dice, allWords).normalize(dice.pick(["NFD", "NFKD"])),
  "control characters": (dice) =>
    dice
      .picks(controls, dice.between(1, 8))
      .map((one) => one + dice.pick(["", " ", "a", "9", dice.pick(allWords)]))
      .join(""),
  numbers: (dice) =>
    Array.from({ length: dice.between(1, 5) }, () => number(dice)).join(
      dice.pick([" ", ", ", "", "\t"]),
    ),
  punctuation: (dice) =>
    dice
      .picks(punctuation, dice.between(1, 20))
      .map((one) => one.repeat(dice.pick([1, 1, 1, 2, 3, 9])))
      .join(dice.pick(["", "", " "])),
  whitespace: (dice) =>
    Array.from({ length: dice.between(1, 6) }, () => {
      const run = dice.pick(spaces).repeat(dice.between(1, 10));
      return dice.pick([run, run + dice.pick(allWords), dice.pick(allWords) + run]);
    }).join(dice.pick(["", dice.pick(spaces)])),
  "indented block": (dice) =>
    Array.from(
      { length: dice.between(2, 6) },
      (_, i) => dice.pick(["  ", "    ", "\t"]).repeat(i) + dice.pick(allWords),
    ).join(dice.pick(["\n", "\n\n", "\r\n", " \n"])),
  url,
  "long word": (dice) =>
    dice.pick([
      () => dice.picks([...letters], dice.between(40, 400)).join(""),
      () => dice.pick([...letters]).repeat(dice.between(20, 300)),
      () => dice.picks(allWords, dice.between(8, 30)).join(""),
      () => dice.picks([...letters, ...digits, "+", "/"], 200).join(""),
      () => dice.pick(["ha", "na", "lol", "水", "ё", "ab1"]).repeat(dice.between(10, 60)),
    ])(),
  contractions: (dice) => sentence(dice, contractions),
  "contraction-like": (dice) =>
    dice
      .picks(allWords, 4)
      .map(
        (word) => word + dice.pick(["'", "’", "ʼ"]) + dice.pick(["s", "T", "re", "LL", "m", "x"]),
      )
      .join(" "),
  "mixed case": (dice) =>
    dice
      .picks(allWords, dice.between(2, 8))
      .map((word) => mixedCase(dice, word))
      .join(dice.pick([" ", "", "_", "-"])),
  "special tokens": (dice) =>
    dice
      .picks(specials, dice.between(1, 4))
      .map((one) => dice.pick(["", " ", "\n", dice.pick(allWords)]) + one)
      .join(dice.pick(["", " ", "text"])),
  "random characters": (dice) =>
    Array.from({ length: dice.between(1, 24) }, () => {
      // Any code point but surrogates (U+D800 to U+DFFF), which no UTF-8 text has.
      const point = dice.below(dice.pick([0x80, 0x800, 0xd800, 0x10ffff - 0x800]));
      return String.fromCodePoint(point < 0xd800 ? point : point + 0x800);
    }).join(""),
  "everything at once": (dice) =>
    Array.from({ length: dice.between(3, 8) }, () => {
      const list = dice.pick([allWords, emoji, punctuation, spaces, contractions, names, controls]);
      return dice.pick(list);
    }).join(dice.pick(["", "", " "])),
};

/**
 * The lines, each kind as often as every other. Lines differ from each other.
 *
 * @param count How many.
 * @returns The same lines on every call; lines with special tokens come with parsing off and on.
 */
export function makeLines(count: number): Line[] {
  const dice = new Dice(20250614); // any seed will do, as long as it stays
  const seen = new Set<string>();
  const lines: Line[] = [];
  const names = Object.keys(kinds);
  for (let i = 0; lines.length < count; i++) {
    const kind = names[i % names.length] as string;
    const text = (kinds[kind] as (dice: Dice) => string)(dice);
    if (text === "" || seen.has(text)) continue;
    seen.add(text);
    lines.push({ kind, text, parseSpecial: false });
    if (kind === "special tokens" && lines.length < count)
      lines.push({ kind, text, parseSpecial: true });
  }
  return lines;
}
