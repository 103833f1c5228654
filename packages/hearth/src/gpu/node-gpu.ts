// WebGPU in Node: Dawn, from the optional package `webgpu`. Only Node's worker imports this file, so
// that no bundler for browsers looks for the package.

import type { GpuProvider } from "./adapter.js";

// Dawn hides two things behind its switches that cards do well: halves on NVIDIA's Vulkan driver, and
// subgroup matrices, which are still experimental. And it rounds timestamps to 65 microseconds, longer
// than most kernels run: a precaution for browsers, where pages spy on each other.
const toggles = [
  "enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis",
  "disable-dawn-features=timestamp_quantization",
];

/** Kept for good: Dawn frees everything under it once this object is collected. */
let instance: Promise<GPU | undefined> | undefined;

async function load(): Promise<GPU | undefined> {
  // Deno, and a Node that has WebGPU one day.
  if (globalThis.navigator?.gpu) return globalThis.navigator.gpu;
  try {
    const { create } = await import("webgpu");
    return create(toggles);
  } catch {
    return undefined; // not installed, or not for this platform
  }
}

export const nodeGpu: GpuProvider = {
  gpu() {
    instance ??= load();
    return instance;
  },
  // There is no GPU process that might still be starting.
  retryAfter: 0,
};
