// The page side of Hearth on the GPU.

import { benchmark } from "/hearth/index.js";

/** @param {import("hearth").BenchmarkOptions} options */
export async function run(options) {
  return structuredClone(await benchmark(options));
}
