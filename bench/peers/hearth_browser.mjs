// Hearth in a browser tab, through its public package. The page side is bench/pages/hearth.mjs.
// It runs on its own too: `node bench/peers/hearth_browser.mjs --help`.

import { runAlone } from "../lib/alone.mjs";
import { hearthVersion } from "../lib/hearth.mjs";

/**
 * @param {{ threads: number, browser: import("../lib/browser.mjs").BrowserHost }} options
 * @returns {Promise<import("../lib/peer.mjs").Peer>}
 */
export async function create({ threads, browser }) {
  const version = `Hearth ${hearthVersion()}`;
  let page;
  return {
    name: "Hearth",
    where: "browser",
    threads,
    version,
    async load() {
      page = await browser.open("hearth.mjs");
      const options = { url: browser.modelUrl, threads };
      const loaded = await page.evaluate((given) => globalThis.peer.load(given), options);
      if (loaded.threads !== threads)
        throw new Error(`Hearth runs ${loaded.threads} threads, not ${threads}.`);
      return { seconds: loaded.seconds, note: loaded.variant };
    },
    async generate({ ids }, count) {
      return page.evaluate((given) => globalThis.peer.generate(given), { ids, count });
    },
    async close() {
      await page?.close();
      page = undefined;
    },
  };
}

await runAlone(import.meta.url, { create, browser: true });
