// Where a model runs: a core, and a GPU where there is one that fits. `"auto"` leaves the GPU for the
// CPU when it turns out not to do, and remembers why.

import type { Core } from "../core/core.js";
import { type ErrorCode, HearthError, throwIfAborted } from "../errors.js";
import type { Gpu, GpuWanted } from "../gpu/adapter.js";
import type { OpenParams } from "../worker/protocol.js";

/** How a platform comes by cores and GPUs. */
export interface PlacePlatform {
  /** Compiles and starts the core that the app asked for. */
  startCore(params: OpenParams, signal: AbortSignal): Promise<Core>;
  /** Throws HearthError `unsupported_device` with a sentence that says why there is none. */
  openGpu(wanted: GpuWanted, signal: AbortSignal): Promise<Gpu>;
}

/** Failures that another device may not have. */
const deviceCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "unsupported_device",
  "unsupported_dtype",
  "unsupported_architecture",
  "unsupported_config",
  "out_of_memory",
  "gpu_error",
  "device_lost",
]);

export class Place {
  readonly #platform: PlacePlatform;
  readonly #params: OpenParams;
  #core: Core;
  #gpu: Gpu | undefined;
  /** Why the GPU is not used though it might have been. */
  #reason: string | undefined;

  private constructor(platform: PlacePlatform, params: OpenParams, core: Core, gpu?: Gpu) {
    this.#platform = platform;
    this.#params = params;
    this.#core = core;
    this.#gpu = gpu;
  }

  /** A core without a GPU, as tokenizers and headers need. */
  static async plain(
    platform: PlacePlatform,
    params: OpenParams,
    signal: AbortSignal,
  ): Promise<Place> {
    return new Place(platform, params, await platform.startCore(params, signal));
  }

  /**
   * The place that the app asked for; for `"auto"` a GPU that is faster than the CPU, if there is one.
   *
   * @throws HearthError `unsupported_device` for `"webgpu"` where there is none, what starting the core
   * fails with, `aborted`.
   */
  static async choose(
    platform: PlacePlatform,
    params: OpenParams,
    signal: AbortSignal,
  ): Promise<Place> {
    const { device } = params;
    if (device !== "auto" && device !== "webgpu") return Place.plain(platform, params, signal);
    let gpu: Gpu | undefined;
    let reason: string | undefined;
    try {
      gpu = await platform.openGpu(wantedOf(params), signal);
    } catch (error) {
      throwIfAborted(signal);
      if (device === "webgpu") throw error;
      reason = HearthError.from(error).message;
    }
    try {
      const core = await platform.startCore(gpu ? helpers(params) : params, signal);
      const place = new Place(platform, params, core, gpu);
      place.#reason = reason;
      return place;
    } catch (error) {
      gpu?.device.destroy();
      throw error;
    }
  }

  get core(): Core {
    return this.#core;
  }
  get gpu(): Gpu | undefined {
    return this.#gpu;
  }
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Whether the CPU may be tried after this failure. */
  mayLeaveGpu(error: unknown): boolean {
    const { code } = HearthError.from(error);
    return this.#gpu !== undefined && this.#params.device === "auto" && deviceCodes.has(code);
  }

  /** Gives the GPU up and starts a core that computes. */
  async leaveGpu(error: unknown, signal: AbortSignal): Promise<void> {
    this.#reason = HearthError.from(error).message;
    this.#gpu?.device.destroy();
    this.#gpu = undefined;
    await this.#core.close();
    this.#core = await this.#platform.startCore(this.#params, signal);
  }

  /** Another device in place of one that was lost. */
  async reopenGpu(signal: AbortSignal): Promise<Gpu> {
    this.#gpu = await this.#platform.openGpu(wantedOf(this.#params), signal);
    return this.#gpu;
  }

  async close(): Promise<void> {
    this.#gpu?.device.destroy();
    await this.#core.close();
  }
}

function wantedOf({ device, gpu = {} }: OpenParams): GpuWanted {
  return { ...gpu, software: device === "webgpu" };
}

/** A core that only plans needs no threads. */
function helpers(params: OpenParams): OpenParams {
  return { ...params, threads: 1 };
}
