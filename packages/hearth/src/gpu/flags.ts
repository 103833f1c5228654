// WebGPU's numbers for usages and stages, as its specification fixes them. Its global objects that hold
// them exist in browsers and Deno, but in Node only when somebody puts them there.

/// <reference types="@webgpu/types" />

/** GPUBufferUsage. */
export const usage = {
  mapRead: 0x0001,
  copySrc: 0x0004,
  copyDst: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const;

/** GPUMapMode.READ. */
export const mapRead = 0x0001;

/** GPUShaderStage.COMPUTE. */
export const computeStage = 0x4;

/** Workgroups along one side of a grid at most: maxComputeWorkgroupsPerDimension everywhere. */
export const mostWorkgroups = 65_535;
