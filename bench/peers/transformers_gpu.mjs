// Transformers.js on WebGPU in a page of headless Chromium, with a graph of random weights.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { folders } from "../lib/browser.mjs";
import { writeRandomOnnx } from "../lib/random-onnx.mjs";

/** The largest file that a page can hold at once is 2 GB: of 8 billion weights at 4 bits there are 4. */
const largest = ["smollm2-135m", "llama-3.2-1b"];

/**
 * @param {{ shape: string, browser: import("../lib/browser.mjs").BrowserHost, work: object }} options
 * @returns {Promise<import("../gpu.mjs").GpuFigures>}
 */
export async function run({ shape, browser, work }) {
  if (!largest.includes(shape))
    throw new Error("its file of weights is larger than a page can hold.");
  // Without a card the graph is only tried out, on WebAssembly, which computes in floats.
  const device = work.software ? "wasm" : "webgpu";
  const type = work.software ? "f32" : "f16";
  const folder = join(folders["onnx-models"], `${shape}-${type}`);
  const dtype = type === "f16" ? "q4f16" : "q4";
  if (!existsSync(join(folder, "config.json"))) writeRandomOnnx(shape, folder, type);
  const page = await browser.open("transformers_gpu.mjs");
  try {
    const { prefill, tokens } = work;
    const options = { model: `${shape}-${type}`, dtype, prefill, tokens, device };
    const result = await page.evaluate((given) => globalThis.peer.run(given), options);
    return { name: `Transformers.js ${version()}, Chromium`, ...result };
  } finally {
    await page.close();
  }
}

function version() {
  return JSON.parse(readFileSync(join(folders.transformers, "..", "package.json"), "utf8")).version;
}
