// llama.cpp on the GPU, native, through Vulkan: the prebuilt binary of npm's `node-llama-cpp` (the
// package @node-llama-cpp/linux-x64-vulkan or its like for other platforms).

import { version } from "./llama_cpp.mjs";

const prompt = Array.from({ length: 512 }, (_, i) => 300 + ((i * 7919) % 20000));

/** @param {{ file: string }} options a GGUF @returns {Promise<import("../gpu.mjs").GpuFigures>} */
export async function run({ file }) {
  const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({ gpu: "vulkan", build: "never", logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: file, gpuLayers: "max" });
  // With flash attention, which is its faster setting.
  const context = await model.createContext({
    contextSize: 2048,
    batchSize: 512,
    flashAttention: true,
  });
  const sequence = context.getSequence();
  const prefill = [];
  const decode = [];
  for (let repeat = 0; repeat < 4; repeat++) {
    await sequence.clearHistory();
    let began = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(prompt);
    prefill.push(512 / ((performance.now() - began) / 1000));
    began = performance.now();
    let count = 0;
    for await (const _ of sequence.evaluate([301], { temperature: 0, yieldEogToken: true })) {
      if (++count >= 128) break;
    }
    decode.push(count / ((performance.now() - began) / 1000));
  }
  await model.dispose();
  await llama.dispose();
  // The first run compiles pipelines.
  const median = (rates) => rates.slice(1).sort((a, b) => a - b)[1];
  return {
    name: `llama.cpp (node-llama-cpp ${version()}), Vulkan`,
    prefill: median(prefill),
    decode: median(decode),
    detail: { prefill, decode },
  };
}
