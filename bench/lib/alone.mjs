// Lets each peer's file be run on its own, with the same options for all.

import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findModel } from "./model.mjs";
import { measure } from "./peer.mjs";
import { longest } from "./prompt.mjs";

/** Prompt lengths in tokens: a question, a page, and as much as llama.cpp takes at once. */
export const defaultLengths = [32, 128, 512];

/** Decode steps: long enough that one stall of the machine does not make the figure. */
export const defaultSteps = 64;

/**
 * @param {string} text such as "32,128"
 * @returns {number[]}
 */
export function parseLengths(text) {
  const lengths = text.split(",").map(Number);
  const bad = lengths.some((n) => !Number.isInteger(n) || n < 1 || n > longest);
  if (bad) throw new Error(`Prompt lengths are whole numbers from 1 to ${longest}: ${text}`);
  return lengths;
}

/** @param {string} text @param {string} name @returns {number} */
export function parseCount(text, name) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} is a whole number from 1: ${text}`);
  return value;
}

/**
 * Runs one peer once if `url` is the file that Node was started with, and prints what it measured.
 * @param {string} url the peer's import.meta.url
 * @param {{ create: Function, browser: boolean, variants?: string[] }} peer
 */
export async function runAlone(url, { create, browser, variants }) {
  const file = fileURLToPath(url);
  if (process.argv[1] !== file) return;
  const options = {
    model: { type: "string" },
    threads: { type: "string", default: "1" },
    prefill: { type: "string", default: defaultLengths.join(",") },
    decode: { type: "string", default: String(defaultSteps) },
    ...(variants && { device: { type: "string", default: variants[0] } }),
    help: { type: "boolean", default: false },
  };
  let browserHost;
  try {
    const { values } = parseArgs({ options });
    if (values.help) {
      const device = variants ? ` [--device ${variants.join("|")}]` : "";
      console.log(`usage: node bench/peers/${basename(file)} [--threads N] [--model FILE.gguf]
         [--prefill 32,128,512] [--decode 64]${device}

Loads the model once, reads prompts of the lengths given, makes as many tokens, and prints
tokens per second as JSON.

example: node bench/peers/${basename(file)} --threads 2 --prefill 32 --decode 16`);
      return;
    }
    const model = values.model ?? findModel();
    const lengths = parseLengths(values.prefill);
    const steps = parseCount(values.decode, "decode");
    const threads = parseCount(values.threads, "threads");
    if (browser) {
      const { startBrowser } = await import("./browser.mjs");
      browserHost = await startBrowser({ model });
    }
    const engine = await create({ model, threads, device: values.device, browser: browserHost });
    const sample = await measure(engine, { lengths, steps });
    const { name, where, version } = engine;
    console.log(JSON.stringify({ name, where, version, threads, ...sample }, null, 2));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    await browserHost?.close();
  }
}
