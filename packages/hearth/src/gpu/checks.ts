// Holds kernels against the CPU before a model relies on them: drivers and shader compilers have bugs
// that no error reports. Each variant is checked once an adapter; one that fails is not used there.

import type { GpuCheck, GpuPlan, GpuVerdict } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { yieldNow } from "../engine/yield.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "./adapter.js";
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
    output = new Uint8Array(await compute(gpu, pipelines, opened));
  } catch (error) {
    failure = HearthError.from(error);
  }
  const verdict = await core.call("gpuCheckClose", { check: opened.check, output });
  const key = keyOf(opened.plan, name);
  return { name, key, verdict: failure ? { ...verdict, ok: false } : verdict, failure };
}

async function compute(gpu: Gpu, pipelines: PipelineCache, check: GpuCheck): Promise<Uint8Array> {
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
  const runner = await Runner.build(gpu.device, pipelines, plan, 0, { files });
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
 */
export async function checkKernels(
  core: Core,
  gpu: Gpu,
  pipelines: PipelineCache,
  plan: Pick<GpuPlan, "checks" | "sources">,
  options: CheckOptions,
): Promise<string[]> {
  const { learned, memos, place, signal } = options;
  const keys = new Map(plan.checks.map((name) => [name, keyOf(plan, name)]));
  const found: Record<string, boolean> = {};
  try {
    for (const [name, key] of keys) {
      if (learned.verdicts[key] !== undefined) continue;
      throwIfAborted(signal);
      // A kernel that takes the device down must not get to do so again.
      found[key] = false;
      const { verdict, failure } = await runCheck(core, gpu, pipelines, name);
      if (failure?.code === "device_lost") throw failure;
      found[key] = verdict.ok;
      await yieldNow();
    }
  } catch (error) {
    // Nothing was found out about the kernel whose check the core failed or the app ended.
    const last = Object.keys(found).at(-1);
    if (last && HearthError.from(error).code !== "device_lost") delete found[last];
    throw error;
  } finally {
    Object.assign(learned.verdicts, found);
    if (Object.keys(found).length > 0) await learn(memos, place, { verdicts: found });
  }
  return plan.checks.filter((name) => learned.verdicts[keys.get(name) ?? ""] === false);
}

/** The check's name and a digest of the source it is about; of all where none has its name. */
function keyOf(plan: Pick<GpuPlan, "sources">, name: string): string {
  const own = plan.sources.filter((source) => source.name === name);
  const codes = (own.length > 0 ? own : plan.sources).map((source) => source.code);
  return `${name}@${digest(codes.join("\n"))}`;
}
