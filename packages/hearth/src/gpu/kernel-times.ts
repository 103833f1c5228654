// A step's time by kernel: the dispatches' times of a profile, added up over the layers.

import type { GpuPlan, GpuStep } from "../abi.generated.js";
import { median } from "../engine/median.js";
import { countOf, type Figures } from "./replay.js";
import type { Runner } from "./runner.js";

/** What the dispatches of one kernel for one kind of node take together. */
export interface KernelTime {
  /** Variant of the kernel, such as `"matvec.q4.subgroups"`. */
  kernel: string;
  /** What it computes, without the layer: `"attention"`. */
  node: string;
  dispatches: number;
  seconds: number;
  /** Of the time of all dispatches; 0 to 1. */
  share: number;
  /** Bytes of weights that they read. */
  bytes: number;
}

/** One kernel's dispatch in a program, as a step replays it. */
interface Planned {
  readonly kernel: string;
  readonly node: string;
  readonly layer: number | undefined;
  readonly bytes: number;
}

type Dispatches = Pick<GpuPlan, "programs" | "pipelines" | "sources">;

const layerPart = /(?:^|(?<=[.+]))layers\.(\d+)\./g;

/** "layers.3.gate+layers.3.up" is "gate+up" of layer 3. */
function placeOf(name: string): { node: string; layer: number | undefined } {
  const [first] = name.matchAll(layerPart);
  return { node: name.replace(layerPart, ""), layer: first && Number(first[1]) };
}

/** The dispatches of a step, in order; those without workgroups are left out, as a replay does. */
export function dispatchesOf(plan: Dispatches, step: Figures): Planned[] {
  return step.programs.flatMap((index) => {
    const dispatches = plan.programs[index]?.dispatches ?? [];
    return dispatches
      .filter(({ x, y, z }) => [x, y, z].every((count) => countOf(count, step) > 0))
      .map(({ name, pipeline, bytes }) => {
        const source = plan.pipelines[pipeline]?.source ?? -1;
        return { kernel: plan.sources[source]?.name ?? "", ...placeOf(name), bytes };
      });
  });
}

/** Dispatches of a step, the weights it reads, and how many dispatches one layer takes. */
export function countDispatches(plan: Dispatches, step: Figures) {
  const dispatches = dispatchesOf(plan, step);
  const inLayers = dispatches.filter(({ layer }) => layer !== undefined);
  const layers = new Set(inLayers.map(({ layer }) => layer)).size;
  return {
    dispatches: dispatches.length,
    perLayer: layers === 0 ? 0 : inLayers.length / layers,
    weightBytes: dispatches.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Adds up dispatches of the same kernel and node; `ns` has a time for each. Longest first. */
export function groupTimes(dispatches: readonly Planned[], ns: readonly number[]): KernelTime[] {
  const found = new Map<string, KernelTime>();
  const total = ns.reduce((sum, each) => sum + each, 0);
  for (const [index, { kernel, node, bytes }] of dispatches.entries()) {
    const key = `${kernel} ${node}`;
    const entry = found.get(key) ?? { kernel, node, dispatches: 0, seconds: 0, share: 0, bytes: 0 };
    entry.dispatches++;
    entry.seconds += (ns[index] ?? 0) * 1e-9;
    entry.bytes += bytes;
    found.set(key, entry);
  }
  for (const entry of found.values()) entry.share = total > 0 ? (entry.seconds * 1e9) / total : 0;
  return [...found.values()].sort((a, b) => b.seconds - a.seconds);
}

/** Runs of a step that a profile takes the middle of; timestamps jitter by some microseconds. */
const runs = 5;
/** Milliseconds after which a step is not run again: where it takes so long, nothing jitters. */
const patience = 500;

/**
 * Times the kernels of steps that follow each other, such as the parts of a prompt.
 *
 * @throws HearthError `unsupported_device` without the feature `timestamp-query`; `gpu_error`,
 * `device_lost`.
 */
export async function profileSteps(
  runner: Runner,
  plan: Dispatches,
  steps: readonly GpuStep[],
): Promise<KernelTime[]> {
  const dispatches: Planned[] = [];
  const ns: number[] = [];
  for (const step of steps) {
    const planned = dispatchesOf(plan, step);
    const startedAt = performance.now();
    // What a pipeline does at its first use is not timed, unless that takes all the time there is.
    let times = [await nanoseconds(runner, step)];
    for (let i = 0; i < runs && performance.now() - startedAt < patience; i++) {
      const again = await nanoseconds(runner, step);
      times = i === 0 ? [again] : [...times, again];
    }
    dispatches.push(...planned);
    ns.push(...planned.map((_, index) => median(times.map((run) => run[index] ?? 0))));
  }
  return groupTimes(dispatches, ns);
}

async function nanoseconds(runner: Runner, step: GpuStep): Promise<number[]> {
  return (await runner.profile(step)).map(({ ns }) => ns);
}
