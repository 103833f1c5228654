// The page side of Hearth on the GPU.

import { benchmark } from "/hearth/index.js";

/** @param {{ shape: string }} options */
export async function run({ shape }) {
  return structuredClone(await benchmark({ shape, tokens: 128 }));
}
