// The peer wllama: llama.cpp in a browser tab on WebAssembly, from npm's `@wllama/wllama`.
//
// Its worker comes out of its own script and its wasm out of the installed package: nothing is
// fetched from elsewhere. The page side is bench/pages/wllama.mjs.
// It runs on its own too: `node bench/peers/wllama.mjs --help`.

import { readFileSync } from "node:fs";
import { runAlone } from "../lib/alone.mjs";
import { PeerMissingError } from "../lib/errors.mjs";

const installed = new URL("./node_modules/@wllama/wllama/package.json", import.meta.url);

/** @returns {string} the version of the npm package; throws PeerMissingError if not installed */
export function version() {
  try {
    return JSON.parse(readFileSync(installed, "utf8")).version;
  } catch {
    throw new PeerMissingError("@wllama/wllama");
  }
}

/**
 * @param {{ threads: number, browser: import("../lib/browser.mjs").BrowserHost }} options
 * @returns {Promise<import("../lib/peer.mjs").Peer>}
 */
export async function create({ threads, browser }) {
  const label = `wllama ${version()}`;
  let page;
  return {
    name: "wllama",
    where: "browser",
    threads,
    version: label,
    async load() {
      page = await browser.open("wllama.mjs");
      const options = { url: browser.modelUrl, threads };
      const loaded = await page.evaluate((given) => globalThis.peer.load(given), options);
      if (loaded.threads !== threads)
        throw new Error(`wllama runs ${loaded.threads} threads, not ${threads}.`);
      return loaded;
    },
    async generate({ text }, count) {
      return page.evaluate((given) => globalThis.peer.generate(given), { text, count });
    },
    async close() {
      await page?.close();
      page = undefined;
    },
  };
}

await runAlone(import.meta.url, { create, browser: true });
