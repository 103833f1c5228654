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

/**
 * The programs that a model's first answer takes. Others ("few", and a sampler for each way of
 * cutting) may never be used, and compiling a pipeline takes milliseconds on a card and seconds in
 * software.
 */
const firstPrograms: ReadonlySet<string> = new Set(["decode", "prefill", "greedy"]);

export interface RunnerOptions extends LoadOptions {
  /** Programs to compile at once, by their places in the plan; those of a first answer if left out. */
  readonly programs?: readonly number[];
  /** Whether to compile the others once that is done, while nobody waits for them. */
  readonly compileAhead?: boolean;
}

export class Runner {
  readonly device: Device;
  /** Milliseconds of the CPU's that all submissions took so far; for measurements. */
  readonly spent = { encode: 0, submit: 0 };
  readonly #pipelines: PipelineCache;
  readonly #plan: GpuPlan;
  readonly #rowBytes: number;
  readonly #buffers: Buffers;
  readonly #replay: Replay;
  readonly #readbacks: Readbacks;
  /** Programs that are compiled or being compiled. */
  readonly #prepared = new Map<number, Promise<void>>();
  #closed = false;

  private constructor(
    device: Device,
    pipelines: PipelineCache,
    plan: GpuPlan,
    rowBytes: number,
    buffers: Buffers,
  ) {
    this.device = device;
    this.#pipelines = pipelines;
    this.#plan = plan;
    this.#rowBytes = rowBytes;
    this.#buffers = buffers;
    this.#replay = new Replay(plan, buffers);
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
    options: RunnerOptions,
  ): Promise<Runner> {
    device.check();
    const all = plan.programs.map((_, index) => index);
    const first =
      options.programs ??
      all.filter((index) => firstPrograms.has(plan.programs[index]?.name ?? ""));
    const compiled = (index: number) => pipelines.compile(plan, index);
    // Weights wait for the pipelines that repack them, so those come first.
    for (const { pipeline } of plan.loads) if (pipeline >= 0) compiled(pipeline);
    for (const index of first) {
      for (const { pipeline } of plan.programs[index]?.dispatches ?? []) compiled(pipeline);
    }
    const buffers = await Buffers.make(device, plan, "model");
    try {
      await loadWeights(device, buffers, plan.loads, compiled, options);
      const runner = new Runner(device, pipelines, plan, rowBytes, buffers);
      await runner.prepare(first);
      if (options.compileAhead) void runner.#compileAhead(all);
      return runner;
    } catch (error) {
      buffers.destroy();
      throw error;
    }
  }

  /**
   * Makes sure that programs can be submitted, and waits for those that have yet to be compiled.
   * Throws `gpu_error` that names the kernel, `device_lost`.
   */
  async prepare(programs: readonly number[]): Promise<void> {
    for (const index of programs) {
      if (this.#replay.has(index)) continue;
      let prepared = this.#prepared.get(index);
      if (!prepared) {
        prepared = this.#record(index);
        this.#prepared.set(index, prepared);
      }
      await prepared;
    }
  }

  async #record(index: number): Promise<void> {
    const used = this.#replay.pipelinesOf(index);
    const compiling = used.map(
      async (pipeline) => [pipeline, await this.#pipelines.compile(this.#plan, pipeline)] as const,
    );
    const compiled = new Map(await Promise.all(compiling));
    if (this.#closed) throw new HearthError("invalid_handle", "The model was given back.");
    await this.device.scoped("programs", () => this.#replay.record(index, compiled));
  }

  /** One program after the other, so that one that a step waits for has no queue before it. */
  async #compileAhead(programs: readonly number[]): Promise<void> {
    for (const index of programs) {
      if (this.#closed) return;
      // The step that needs it is told.
      await this.prepare([index]).catch(() => {});
    }
  }

  /**
   * Hands a step, whose programs are prepared, to the device and returns at once. Throws
   * `device_lost`, `gpu_error`.
   */
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
    await this.prepare(step.programs);
    this.device.check();
    this.#buffers.write(step.writes);
    return profile(this.device, this.#replay, step);
  }

  /** Gives the plan's memory back. The device stays. */
  destroy(): void {
    this.#closed = true;
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
