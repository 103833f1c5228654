// Hearth on the GPU in a page of headless Chromium, with the weights of a shape made up.

import { hearthVersion } from "../lib/hearth.mjs";
import { figures } from "./hearth_gpu_node.mjs";

/**
 * @param {{ shape: string, work: object, browser: import("../lib/browser.mjs").BrowserHost }} options
 * @returns {Promise<import("../gpu.mjs").GpuFigures>}
 */
export async function run({ shape, work, browser }) {
  const page = await browser.open("hearth_gpu.mjs");
  try {
    const result = await page.evaluate((given) => globalThis.peer.run(given), {
      shape,
      ...work,
    });
    return { name: `Hearth ${hearthVersion()}, Chromium`, ...figures(result) };
  } finally {
    await page.close();
  }
}
