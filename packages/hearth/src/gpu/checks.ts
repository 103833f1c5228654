// Holds kernels against the CPU before a model relies on them: drivers and shader compilers have bugs
// that no error reports. Each variant is checked once an adapter; one that fails is not used there.

import type { GpuCheck, GpuPlan, GpuSource, GpuVerdict } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { yieldNow } from "../engine/yield.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "./adapter.js";
import { columnOrderBy } from "./column-order.js";
import type { PipelineCache } from "./compile.js";
import { digest, type Learned, learn, type Memos } from "./memory.js";
import { Runner } from "./runner.js";

/** Any number does; a fixed one makes a failure repeatable. */
const seed = 1;

export interface Outcome {
  readonly name: string;
  /** Names the verdict among what is learned: one of another source is another. */
  readonly key: string;
  readonly verdict: GpuVerdict;
  /** The kernels that ran: the one in question, and those that its input and output take. */
  readonly sources: readonly GpuSource[];
  /** Why there was nothing to compare: the kernel did not compile or run. */
  readonly failure: HearthError | undefined;
}

/**
 * Checks one kernel variant.
 *
 * @throws HearthError what the core fails with; a lost device is a failure of the kernel's.
 */
export async function runCheck(
  core: Core,
  gpu: Gpu,
  pipelines: PipelineCache,
  name: string,
): Promise<Outcome> {
  const opened = await core.call("gpuCheckOpen", { name, adapter: gpu.adapter, seed });
  let output = new Uint8Array();
  let failure: HearthError | undefined;
  try {
    output = new Uint8Array(await compute(core, gpu, pipelines, opened));
  } catch (error) {
    failure = HearthError.from(error);
  }
  const verdict = await core.call("gpuCheckClose", { check: opened.check, output });
  const { sources } = opened.plan;
  const key = keyOf(name, sources.find((source) => source.name === name)?.code ?? "");
  return { name, key, verdict: failure ? { ...verdict, ok: false } : verdict, sources, failure };
}

async function compute(
  core: Core,
  gpu: Gpu,
  pipelines: PipelineCache,
  check: GpuCheck,
): Promise<Uint8Array> {
  const { plan, file, steps, output } = check;
  const bytes = {
    name: "check",
    stored: {
      size: file.length,
      read(into: Uint8Array, at: number) {
        const part = file.subarray(at, at + into.length);
        into.set(part);
        return part.length;
      },
      close() {},
    },
  };
  // Whatever handle a load names, there is one file.
  const files = new Map(plan.loads.map((load) => [load.file, bytes]));
  const programs = [...new Set(steps.flatMap((step) => step.programs))];
  const options = { files, programs, columnOrder: columnOrderBy(core) };
  const runner = await Runner.build(gpu.device, pipelines, plan, 0, options);
  try {
    for (const step of steps) await runner.submit({ ...step, read: "" }).answer;
    return await runner.read(output);
  } finally {
    runner.destroy();
  }
}

export interface CheckOptions {
  readonly learned: Learned;
  readonly memos: Memos;
  /** Names what is learned in the memo. */
  readonly place: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks the kernels of a plan that nothing is known of yet.
 *
 * @returns The names of those that are wrong here, now or as remembered.
 * @throws HearthError `device_lost`; the kernel that was being checked then counts as wrong.
 * `unsupported_device` when one cannot be checked, because of one that its check needs no variant is
 * right.
 */
export async function checkKernels(
  core: Core,
  gpu: Gpu,
  pipelines: PipelineCache,
  plan: Pick<GpuPlan, "checks" | "sources">,
  options: CheckOptions,
): Promise<string[]> {
  const checks = new Checks(core, gpu, pipelines, options);
  const codes = new Map(plan.sources.map(({ name, code }) => [name, code]));
  try {
    for (const name of plan.checks) await checks.check(name, codes.get(name) ?? "");
  } finally {
    await checks.remember();
  }
  return plan.checks.filter((name) => checks.wrong.has(name));
}

/** What a verdict is remembered by: the check's name and a digest of the source that it is about. */
function keyOf(name: string, code: string): string {
  return `${name}@${digest(code)}`;
}

/**
 * A check runs more kernels than the one in question, and fails when any of them is wrong. So it does
 * without those that are known to be wrong; and when it fails, it is done again without each of the
 * others that has a substitute. A kernel that is right in one company is right.
 */
class Checks {
  readonly #core: Core;
  readonly #gpu: Gpu;
  readonly #pipelines: PipelineCache;
  readonly #options: CheckOptions;
  /** What was found out since the start, by the keys that it is remembered by. */
  readonly #found: Record<string, boolean> = {};
  /** Names of the kernels that are right here, and of those that are wrong. */
  readonly #right = new Set<string>();
  readonly wrong = new Set<string>();
  /** Those whose check has failed, while others that took part are checked. */
  readonly #suspects = new Set<string>();

  constructor(core: Core, gpu: Gpu, pipelines: PipelineCache, options: CheckOptions) {
    this.#core = core;
    this.#gpu = gpu;
    this.#pipelines = pipelines;
    this.#options = options;
  }

  /** Keeps what was found out for the next time. */
  async remember(): Promise<void> {
    const { learned, memos, place } = this.#options;
    Object.assign(learned.verdicts, this.#found);
    if (Object.keys(this.#found).length === 0) return;
    await learn(memos, place, { verdicts: this.#found });
  }

  async check(name: string, code: string): Promise<void> {
    const key = keyOf(name, code);
    const known = this.#options.learned.verdicts[key];
    try {
      const right = known ?? (await this.#isRight(name));
      if (known === undefined) this.#found[key] = right;
      (right ? this.#right : this.wrong).add(name);
    } catch (error) {
      // A kernel that takes the device down must not get to do so again. Of one whose check the core
      // failed or the app ended, nothing was found out.
      if (HearthError.from(error).code === "device_lost") this.#found[key] = false;
      throw error;
    }
  }

  async #isRight(name: string): Promise<boolean> {
    const { verdict, sources } = await this.#run(name, [...this.wrong, ...this.#suspects]);
    if (verdict.ok) return true;
    // Those that nothing is known of yet are checked first, without those that are in question.
    this.#suspects.add(name);
    let another = false;
    for (const { name: other, code } of sources) {
      const known = this.#right.has(other) || this.wrong.has(other);
      if (known || this.#suspects.has(other)) continue;
      try {
        await this.check(other, code);
      } catch (error) {
        // It cannot do without one in question, so nothing is found out about it now.
        if (HearthError.from(error).code !== "unsupported_device") throw error;
      }
      another ||= this.wrong.has(other);
    }
    this.#suspects.delete(name);
    if (another) return this.#isRight(name);
    const others = sources.map((source) => source.name).filter((other) => other !== name);
    for (const other of others) {
      if (this.#right.has(other)) continue;
      try {
        const without = await this.#run(name, [...this.wrong, other]);
        if (without.verdict.ok) return true;
      } catch (error) {
        // That one has no substitute.
        if (HearthError.from(error).code !== "unsupported_device") throw error;
      }
    }
    return false;
  }

  async #run(name: string, without: readonly string[]): Promise<Outcome> {
    throwIfAborted(this.#options.signal);
    const { adapter } = this.#gpu;
    const refused = [...new Set([...adapter.refused, ...without])];
    const gpu = { ...this.#gpu, adapter: { ...adapter, refused } };
    const outcome = await runCheck(this.#core, gpu, this.#pipelines, name);
    if (outcome.failure?.code === "device_lost") throw outcome.failure;
    await yieldNow();
    return outcome;
  }
}
