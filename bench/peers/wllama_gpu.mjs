// wllama on WebGPU in a page of headless Chromium.

import { version } from "./wllama.mjs";

/**
 * @param {{ browser: import("../lib/browser.mjs").BrowserHost }} options
 * @returns {Promise<import("../gpu.mjs").GpuFigures>}
 */
export async function run({ browser }) {
  const page = await browser.open("wllama_gpu.mjs");
  try {
    const result = await page.evaluate((given) => globalThis.peer.run(given), {
      url: browser.modelUrl,
    });
    return { name: `wllama ${version()}, Chromium`, ...result };
  } finally {
    await page.close();
  }
}
