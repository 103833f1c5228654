// Finds a GPU and says what it can do, in the words that the core understands.

import type { GpuAdapter } from "../abi.generated.js";
import type { GpuRestrictions } from "../engine/types.js";
import { HearthError, throwIfAborted } from "../errors.js";
import { Device } from "./device.js";

/** Where this platform's `GPU` object comes from. */
export interface GpuProvider {
  /** Undefined where there is no WebGPU. */
  gpu(): GPU | undefined | Promise<GPU | undefined>;
  /**
   * Milliseconds before asking again after no adapter was found. A browser that has just started may
   * answer null until its GPU process runs, which takes it about a second.
   */
  readonly retryAfter: number;
}

/** The GPU of a browser's or Deno's global scope. */
export const scopeGpu: GpuProvider = {
  gpu: () => (globalThis.navigator as Navigator | undefined)?.gpu,
  retryAfter: 1000,
};

export interface GpuWanted extends GpuRestrictions {
  /** Whether an adapter that computes on the CPU will do. */
  software: boolean;
}

/** A device that is ready for work. */
export interface Gpu {
  readonly device: Device;
  /** What the core is told of it. */
  readonly adapter: GpuAdapter;
  readonly software: boolean;
}

/**
 * Asks for the fastest adapter, twice, and for a device with all that the adapter offers.
 *
 * @throws HearthError `unsupported_device` with a sentence to show: no WebGPU, no adapter, or only one
 * in software where that will not do; `aborted`.
 */
export async function openGpu(
  provider: GpuProvider,
  wanted: GpuWanted,
  signal?: AbortSignal,
): Promise<Gpu> {
  const gpu = await provider.gpu();
  throwIfAborted(signal);
  if (!gpu) throw unsupported("There is no WebGPU here.");
  const adapter = await requestTwice(gpu, provider.retryAfter, signal);
  if (!adapter) throw unsupported("No graphics card is available to WebGPU.");
  const software = isSoftware(adapter.info);
  if (software && !wanted.software) {
    const name = adapter.info.description || adapter.info.architecture;
    throw unsupported(`WebGPU runs in software here (${name}), which is slower than WebAssembly.`);
  }
  const raw = await requestDevice(adapter);
  // Aborting while the device is on its way must not leak it.
  if (signal?.aborted) raw.destroy();
  throwIfAborted(signal);
  const device = new Device(raw);
  return { device, adapter: describe(gpu, adapter.info, raw, wanted), software };
}

function unsupported(message: string, cause?: unknown): HearthError {
  return new HearthError("unsupported_device", message, { subject: "webgpu", cause });
}

async function requestTwice(
  gpu: GPU,
  retryAfter: number,
  signal: AbortSignal | undefined,
): Promise<GPUAdapter | null> {
  const request = () => gpu.requestAdapter({ powerPreference: "high-performance" });
  const first = await request();
  throwIfAborted(signal);
  if (first) return first;
  await new Promise((resolve) => setTimeout(resolve, retryAfter));
  throwIfAborted(signal);
  return request();
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|microsoft basic render|\bwarp\b|subzero/i;

/** Whether an adapter computes on the CPU, whatever it calls itself. */
export function isSoftware(info: Partial<GPUAdapterInfo>): boolean {
  if (info.isFallbackAdapter) return true;
  return softwareNames.test(`${info.architecture} ${info.device} ${info.description}`);
}

/** Optional features of WebGPU that kernels or profiles use. */
export const wantedFeatures = [
  "subgroups",
  "shader-f16",
  "timestamp-query",
  "chromium-experimental-subgroup-matrix",
] as const;

/** Limits that are asked for as high as the adapter goes. */
export const raisedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupStorageSize",
] as const;

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredFeatures = wantedFeatures.filter((name) => adapter.features.has(name));
  const requiredLimits = Object.fromEntries(
    raisedLimits.map((name) => [name, adapter.limits[name]]),
  );
  try {
    return await adapter.requestDevice({
      requiredFeatures: requiredFeatures as GPUFeatureName[],
      requiredLimits,
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unsupported(`The graphics card could not be opened: ${why}`, cause);
  }
}

/** What the core is told: limits of the device, and the features that kernels may use. */
function describe(
  gpu: GPU,
  info: GPUAdapterInfo,
  device: GPUDevice,
  restrictions: GpuRestrictions,
): GpuAdapter {
  const { limits } = device;
  const names = [info.vendor, info.architecture, info.device, info.description];
  const can = featuresOf(gpu, info, device.features);
  const allowed = restrictions.features;
  const most = restrictions.maxBindingBytes ?? Number.POSITIVE_INFINITY;
  return {
    description: [...new Set(names.filter((name) => name !== ""))].join(" "),
    features: allowed ? can.filter((name) => allowed.includes(name)) : can,
    maxBindingBytes: Math.min(limits.maxStorageBufferBindingSize, most),
    maxBufferBytes: limits.maxBufferSize,
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
    subgroupMin: info.subgroupMinSize ?? 0,
    subgroupMax: info.subgroupMaxSize ?? 0,
    refused: [],
    choices: [],
  };
}

/** One of an adapter's shapes of subgroup matrices; in no published type yet. */
export interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The core's names of what the device can do beyond the least. */
export function featuresOf(
  gpu: Pick<GPU, "wgslLanguageFeatures">,
  info: Partial<GPUAdapterInfo>,
  features: { has(name: string): boolean },
): string[] {
  const found: string[] = [];
  if (features.has("subgroups")) found.push("subgroups");
  if (features.has("shader-f16")) found.push("shader-f16");
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: MatrixConfig[] };
  if (
    features.has("chromium-experimental-subgroup-matrix") &&
    [...subgroupMatrixConfigs].some(fitsKernels)
  ) {
    found.push("subgroup-matrix");
  }
  if (gpu.wgslLanguageFeatures?.has("packed_4x8_integer_dot_product")) found.push("dot8");
  return found;
}

/** The kernels multiply halves and add in f32, in tiles of 16 rows, 8 or 16 columns, 16 deep. */
function fitsKernels(config: MatrixConfig): boolean {
  return (
    config.componentType === "f16" &&
    config.resultComponentType === "f32" &&
    config.M === 16 &&
    (config.N === 16 || config.N === 8) &&
    config.K === 16
  );
}
