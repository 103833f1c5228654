// Times models of known shapes on this machine's GPU, Hearth beside its peers, in one run. Weights are
// random, so nothing is downloaded.
//
//   node bench/gpu.mjs --shapes llama-3.2-1b,llama-3.1-8b --peers hearth-node,hearth-chromium,llama.cpp,wllama

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeRandomGguf } from "./lib/random-gguf.mjs";

/**
 * Tokens a second.
 * @typedef {object} GpuFigures
 * @property {string} name
 * @property {number} prefill of 512 tokens
 * @property {number} [decode] behind an empty context
 * @property {number} [decode4k]
 * @property {number} [decode16k]
 * @property {unknown} detail every sample
 */

const peers = {
  "hearth-node": () => import("./peers/hearth_gpu_node.mjs"),
  "hearth-chromium": () => import("./peers/hearth_gpu_browser.mjs"),
  "llama.cpp": () => import("./peers/llama_cpp_vulkan.mjs"),
  wllama: () => import("./peers/wllama_gpu.mjs"),
  "transformers.js": () => import("./peers/transformers_gpu.mjs"),
};
const inBrowser = new Set(["hearth-chromium", "wllama", "transformers.js"]);
const needFile = new Set(["llama.cpp", "wllama"]);

const { values } = parseArgs({
  options: {
    shapes: { type: "string", default: "llama-3.2-1b,llama-3.1-8b" },
    peers: { type: "string", default: Object.keys(peers).join(",") },
    out: { type: "string", default: "out" },
    tokens: { type: "string", default: "128" },
    prefill: { type: "string", default: "512" },
    contexts: { type: "string", default: "0,4096,16384" },
    software: { type: "boolean", default: false }, // to try the harness without a graphics card
  },
});

const work = {
  tokens: Number(values.tokens),
  prefill: Number(values.prefill),
  contexts: values.contexts.split(",").map(Number),
  software: values.software,
};

/** @type {{ shape: string, figures: GpuFigures }[]} */
const rows = [];
for (const shape of values.shapes.split(",")) {
  const wanted = values.peers.split(",");
  const file = join(tmpdir(), `${shape}.gguf`);
  if (wanted.some((peer) => needFile.has(peer)) && !existsSync(file)) writeRandomGguf(shape, file);
  for (const peer of wanted) {
    if (!peers[peer]) throw new Error(`There is no peer "${peer}".`);
    let browser;
    try {
      if (inBrowser.has(peer)) {
        const { startBrowser } = await import("./lib/browser.mjs");
        browser = await startBrowser({ model: file, gpu: true });
      }
      const { run } = await peers[peer]();
      const figures = await run({ shape, file, browser, work });
      rows.push({ shape, figures });
      console.log(line(shape, figures));
    } catch (error) {
      // One peer that does not run here must not cost the figures of the others.
      console.error(`${shape}, ${peer}: ${error.message}`);
    } finally {
      await browser?.close();
    }
  }
}
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "bench-gpu.json"), JSON.stringify(rows, null, 1));
process.exit(0); // Dawn's threads would keep the process alive

function line(shape, figures) {
  const cell = (rate) => (rate === undefined ? "–" : rate.toPrecision(3));
  const { name, prefill, decode, decode4k, decode16k } = figures;
  return `| ${shape} | ${name} | ${[prefill, decode, decode4k, decode16k].map(cell).join(" | ")} |`;
}
