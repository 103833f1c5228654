// A model on a GPU, which survives the loss of its device: the plan is kept, and the weights are read
// from the store again.

import type { GpuPlan } from "../abi.generated.js";
import type { OpenFiles } from "../engine/files.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "./adapter.js";
import type { ColumnOrderOf } from "./column-order.js";
import { PipelineCache } from "./compile.js";
import type { Runner } from "./runner.js";
import { Runner as GpuRunner } from "./runner.js";
import type { Recoverable } from "./stepper.js";

export interface GpuModelParts {
  readonly plan: GpuPlan;
  /** Handles that the plan's loads name, in the order of the files' weights. */
  readonly handles: readonly number[];
  /** Bytes of a row of logits. */
  readonly rowBytes: number;
  readonly columnOrder: ColumnOrderOf;
  /** Another device of the same kind. */
  reopen(signal: AbortSignal): Promise<Gpu>;
  /** The model's files, open again. */
  files(signal: AbortSignal): Promise<OpenFiles>;
}

/** In software compiling takes the time of the CPU that computes; a card's driver has it to spare. */
export const compilesAhead = (gpu: Gpu): boolean => !gpu.software;

/** The files by the handles that a plan's loads name them with. */
export function byHandle(handles: readonly number[], files: OpenFiles) {
  return new Map(
    handles.map((handle, index) => {
      const file = files.weights[index];
      if (!file) throw new HearthError("internal", "A file of the model is missing.");
      return [handle, file] as const;
    }),
  );
}

export class GpuModel implements Recoverable {
  readonly #parts: GpuModelParts;
  #runner: Runner;

  constructor(parts: GpuModelParts, runner: Runner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  get runner(): Runner {
    return this.#runner;
  }

  async recover(signal: AbortSignal): Promise<void> {
    const { plan, handles, rowBytes, columnOrder } = this.#parts;
    let gpu: Gpu;
    try {
      gpu = await this.#parts.reopen(signal);
    } catch (cause) {
      throwIfAborted(signal);
      throw new HearthError("device_lost", undefined, { subject: "webgpu", cause });
    }
    let files: OpenFiles | undefined;
    try {
      files = await this.#parts.files(signal);
      const compileAhead = compilesAhead(gpu);
      const options = { files: byHandle(handles, files), signal, columnOrder, compileAhead };
      const pipelines = new PipelineCache(gpu.device);
      this.#runner = await GpuRunner.build(gpu.device, pipelines, plan, rowBytes, options);
    } catch (error) {
      gpu.device.destroy();
      throw error;
    } finally {
      files?.close();
    }
  }

  close(): void {
    this.#runner.device.destroy();
  }
}
