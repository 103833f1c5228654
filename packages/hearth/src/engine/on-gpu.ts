// A GPU, a core that plans for it and a store, for work that loads no model from files.

import type { Core } from "../core/core.js";
import { throwIfAborted } from "../errors.js";
import type { Gpu } from "../gpu/adapter.js";
import type { Store } from "../store/store.js";
import type { OpenParams } from "../worker/protocol.js";
import type { Platform } from "./host.js";
import type { GpuRestrictions, WasmVariant } from "./types.js";

export interface DeviceParams {
  readonly gpu?: GpuRestrictions | undefined;
  readonly variant?: WasmVariant | undefined;
  readonly cacheDir?: string | undefined;
  readonly wasmUrl?: string | undefined;
}

export interface OnGpuParams extends DeviceParams {
  readonly software: boolean;
}

export interface GpuParts {
  readonly core: Core;
  readonly gpu: Gpu;
  readonly store: Store;
  readonly signal: AbortSignal;
}

/** What starting a core needs to know where no model is named; planning takes no threads. */
export function coreParams({ gpu, variant, cacheDir, wasmUrl }: DeviceParams): OpenParams {
  return { model: "", device: "webgpu", threads: 1, gpu, variant, cacheDir, wasmUrl };
}

export function storeOptions({ cacheDir }: DeviceParams): { cacheDir?: string } {
  return cacheDir === undefined ? {} : { cacheDir };
}

/**
 * Gives the work its parts and takes them back.
 *
 * @throws HearthError `unsupported_device` where there is no GPU, or only one in software and that will
 * not do; what starting the core fails with; `aborted`.
 */
export async function onGpu<T>(
  platform: Platform,
  params: OnGpuParams,
  signal: AbortSignal,
  work: (parts: GpuParts) => Promise<T>,
): Promise<T> {
  const gpu = await platform.openGpu({ ...params.gpu, software: params.software }, signal);
  let core: Core | undefined;
  try {
    core = await platform.startCore(coreParams(params), signal);
    const store = await platform.openStore(storeOptions(params));
    throwIfAborted(signal);
    return await work({ core, gpu, store, signal });
  } finally {
    gpu.device.destroy();
    await core?.close();
  }
}
