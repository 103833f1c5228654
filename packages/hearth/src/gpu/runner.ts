// A plan on a device, ready to be replayed: submits steps and reads what they answer.

import type { GpuBinding, GpuPlan, GpuStep } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import { Buffers } from "./buffers.js";
import type { PipelineCache } from "./compile.js";
import type { Device } from "./device.js";
import { type LoadOptions, loadWeights } from "./loader.js";
import { type DispatchTime, profile } from "./profile.js";
import { Readbacks } from "./readback.js";
import { Replay } from "./replay.js";

/** A step that the device has been given. */
export interface Submission {
  readonly step: GpuStep;
  /** What it was to read, or undefined once a step that reads nothing is done. */
  readonly answer: Promise<Uint8Array | undefined>;
}

/** Bytes of a token's id. */
const idBytes = 4;

export class Runner {
  readonly device: Device;
  /** Milliseconds of the CPU's that all submissions took so far; for measurements. */
  readonly spent = { encode: 0, submit: 0 };
  readonly #plan: GpuPlan;
  readonly #rowBytes: number;
  readonly #buffers: Buffers;
  readonly #replay: Replay;
  readonly #readbacks: Readbacks;

  private constructor(
    device: Device,
    plan: GpuPlan,
    rowBytes: number,
    buffers: Buffers,
    replay: Replay,
  ) {
    this.device = device;
    this.#plan = plan;
    this.#rowBytes = rowBytes;
    this.#buffers = buffers;
    this.#replay = replay;
    this.#readbacks = new Readbacks(device);
  }

  /**
   * Compiles, allocates and loads, all at the same time.
   *
   * @param rowBytes Bytes of a row of logits.
   * @throws HearthError `out_of_memory`, `gpu_error`, `device_lost`, `truncated_data`, `aborted`;
   * nothing stays allocated then.
   */
  static async build(
    device: Device,
    pipelines: PipelineCache,
    plan: GpuPlan,
    rowBytes: number,
    options: LoadOptions,
  ): Promise<Runner> {
    device.check();
    const compiling = pipelines.compile(plan);
    const buffers = await Buffers.make(device, plan, "model");
    try {
      await loadWeights(device, buffers, plan.loads, compiling, options);
      const compiled = await Promise.all(compiling);
      const replay = await device.scoped("programs", () => new Replay(plan, compiled, buffers));
      return new Runner(device, plan, rowBytes, buffers, replay);
    } catch (error) {
      buffers.destroy();
      throw error;
    }
  }

  /** Hands a step to the device and returns at once. Throws `device_lost`, `gpu_error`. */
  submit(step: GpuStep): Submission {
    this.device.check();
    const { raw } = this.device;
    const startedAt = performance.now();
    this.#buffers.write(step.writes);
    const writtenAt = performance.now();
    const encoder = raw.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#replay.encode(pass, step);
    pass.end();
    const from = this.#wanted(step);
    const into = from && this.#readbacks.take(from.bytes);
    if (from && into) {
      encoder.copyBufferToBuffer(this.#buffers.at(from.buffer), from.offset, into, 0, from.bytes);
    }
    const commands = encoder.finish();
    const encodedAt = performance.now();
    raw.queue.submit([commands]);
    this.spent.encode += encodedAt - writtenAt;
    this.spent.submit += performance.now() - encodedAt + writtenAt - startedAt;
    const answer =
      from && into
        ? this.#readbacks.read(into, from.bytes)
        : this.device.settle(raw.queue.onSubmittedWorkDone(), "step");
    // A step whose answer nobody wants any more may fail unheard.
    answer.catch(() => {});
    return { step, answer };
  }

  /** Reads any range of the plan's buffers, after all that was submitted before. */
  async read({ buffer, offset, bytes }: GpuBinding): Promise<Uint8Array> {
    const { raw } = this.device;
    const into = this.#readbacks.take(bytes);
    const encoder = raw.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#buffers.at(buffer), offset, into, 0, bytes);
    raw.queue.submit([encoder.finish()]);
    const answer = await this.#readbacks.read(into, bytes);
    this.device.check();
    return answer;
  }

  /** Runs a step, its writes included, and times every dispatch. */
  async profile(step: GpuStep): Promise<DispatchTime[]> {
    this.device.check();
    this.#buffers.write(step.writes);
    return profile(this.device, this.#replay, step);
  }

  /** Gives the plan's memory back. The device stays. */
  destroy(): void {
    this.#buffers.destroy();
    this.#readbacks.destroy();
  }

  #wanted(step: GpuStep): GpuBinding | undefined {
    switch (step.read) {
      case "":
        return undefined;
      case "id":
        return { ...this.#plan.sampled, bytes: idBytes };
      case "logits":
        return { ...this.#plan.logits, bytes: step.outputs * this.#rowBytes };
      default:
        throw new HearthError("internal", `A step is to read "${step.read}".`);
    }
  }
}
