// Hearth in Node, through its public package: on WebAssembly, or on the native build of the core.
// It runs on its own too: `node bench/peers/hearth_node.mjs --help`.

import { runAlone } from "../lib/alone.mjs";
import { hearthVersion } from "../lib/hearth.mjs";

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
    async generate({ ids }, count) {
      const began = performance.now();
      let first = 0;
      let last = 0;
      let usage;
      const chunks = await engine.completions.create({
        prompt: ids,
        max_tokens: count,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      });
      for await (const chunk of chunks) {
        if (chunk.choices[0]?.text) {
          last = performance.now();
          first ||= last;
        }
        if (chunk.usage) usage = chunk.usage;
      }
      return {
        promptTokens: usage.prompt_tokens,
        tokens: usage.completion_tokens,
        firstSeconds: (first - began) / 1000,
        lastSeconds: (last - began) / 1000,
      };
    },
    async close() {
      await engine?.close();
      engine = undefined;
    },
  };
}

await runAlone(import.meta.url, { create, browser: false, variants: ["wasm", "native"] });
