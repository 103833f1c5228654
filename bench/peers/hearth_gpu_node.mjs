// Hearth on the GPU in Node, on Dawn, with the weights of a shape made up.

import { hearthVersion } from "../lib/hearth.mjs";

/** @param {{ shape: string, work: object }} options @returns {Promise<import("../gpu.mjs").GpuFigures>} */
export async function run({ shape, work }) {
  const { benchmark } = await import("../../packages/hearth/dist/node.js");
  const result = await benchmark({ shape, ...work });
  return { name: `Hearth ${hearthVersion()}, Node`, ...figures(result) };
}

/** What the table shows of a benchmark's result. */
export function figures(result) {
  const at = (context) => result.decode.find((each) => each.context === context);
  return {
    prefill: result.prefill.tokensPerSecond,
    decode: at(0)?.tokensPerSecond,
    decode4k: at(4096)?.tokensPerSecond,
    decode16k: at(16384)?.tokensPerSecond,
    detail: result,
  };
}
