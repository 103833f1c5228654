// Hearth in Node, through its public package: on WebAssembly, or on the native build of the core.
// It runs on its own too: `node bench/peers/hearth_node.mjs --help`.

import { runAlone } from "../lib/alone.mjs";
import { hearthVersion } from "../lib/hearth.mjs";
import { timedGenerate } from "../pages/timed-generate.mjs";

/**
 * @param {{ model: string, threads: number, device?: "wasm" | "native" }} options
 * @returns {Promise<import("../lib/peer.mjs").Peer>}
 */
export async function create({ model, threads, device = "wasm" }) {
  const version = `Hearth ${hearthVersion()}`;
  let engine;
  return {
    name: "Hearth",
    where: device === "native" ? "native" : "node",
    threads,
    version,
    async load() {
      const { createEngine } = await import("hearth");
      const began = performance.now();
      engine = await createEngine({ model, device, threads, contextLength: 1024 });
      const seconds = (performance.now() - began) / 1000;
      if (engine.info.threads !== threads)
        throw new Error(`Hearth runs ${engine.info.threads} threads, not ${threads}.`);
      return { seconds, note: engine.info.variant };
    },
    generate: ({ ids }, count) => timedGenerate(engine, ids, count),
    async close() {
      await engine?.close();
      engine = undefined;
    },
  };
}

await runAlone(import.meta.url, { create, browser: false, variants: ["wasm", "native"] });
