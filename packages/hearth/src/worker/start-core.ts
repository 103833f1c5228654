// Picks and starts the core for what the app asked; shared by the browser's worker and Node's.

import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import { type SpawnThread, WasmCore } from "../wasm/core.js";
import { chooseVariant, detectFeatures, type WasmVariant } from "../wasm/features.js";
import type { OpenParams } from "./protocol.js";

/** How a platform gets modules and threads. */
export interface WasmPlatform {
  /** Logical cores of the machine. */
  readonly cores: number;
  compile(
    variant: WasmVariant,
    folder: string | undefined,
    signal: AbortSignal,
  ): Promise<WebAssembly.Module>;
  readonly spawnThread: SpawnThread;
}

/**
 * Starts the core in WebAssembly.
 *
 * @throws HearthError `unsupported_device`, `out_of_memory`, `not_found` and the like when the module
 * is not served, `aborted`.
 */
export async function startWasm(
  params: OpenParams,
  platform: WasmPlatform,
  signal: AbortSignal,
): Promise<Core> {
  if (params.device === "native") {
    throw new HearthError("unsupported_device", "The native engine runs in Node only.", {
      subject: "native",
    });
  }
  throwIfAborted(signal);
  const { variant, threads } = chooseVariant(detectFeatures(), params, platform.cores);
  const module = await platform.compile(variant, params.wasmUrl, signal);
  throwIfAborted(signal);
  return WasmCore.start(module, { variant, threads, spawnThread: platform.spawnThread });
}
