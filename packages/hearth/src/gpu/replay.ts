// A plan's programs as they are replayed: pipelines and bind groups made once, and grids that are
// worked out from a step's figures.

import type { GpuCount, GpuPlan, GpuProgram, GpuStep } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import type { Buffers } from "./buffers.js";
import type { Compiled } from "./compile.js";

interface Recorded {
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: GpuCount;
  readonly y: GpuCount;
  readonly z: GpuCount;
}

/** The figures that grids grow with. */
export type Figures = Pick<GpuStep, "programs" | "tokens" | "outputs" | "length">;

/** A number of workgroups. */
export function countOf(count: GpuCount, step: Figures): number {
  if (count.per === "") return count.fixed;
  const figure = step[count.per as "tokens" | "outputs" | "length"];
  return Math.ceil((figure * count.times) / count.divisor);
}

export class Replay {
  readonly #programs: Recorded[][];

  /** Makes the bind groups; call it in an error scope. */
  constructor(plan: Pick<GpuPlan, "programs">, compiled: readonly Compiled[], buffers: Buffers) {
    const groups = new Map<string, GPUBindGroup>();
    this.#programs = plan.programs.map((program) => record(program, compiled, buffers, groups));
  }

  /** Encodes a step's dispatches into one pass, in order. */
  encode(pass: GPUComputePassEncoder, step: Figures): void {
    let current: GPUComputePipeline | undefined;
    for (const index of step.programs) {
      for (const dispatch of this.#program(index)) {
        const x = countOf(dispatch.x, step);
        const y = countOf(dispatch.y, step);
        const z = countOf(dispatch.z, step);
        if (x === 0 || y === 0 || z === 0) continue;
        if (dispatch.pipeline !== current) {
          current = dispatch.pipeline;
          pass.setPipeline(current);
        }
        pass.setBindGroup(0, dispatch.group);
        pass.dispatchWorkgroups(x, y, z);
      }
    }
  }

  /** For profiles: what `encode` would do, a dispatch at a time. */
  *dispatches(
    step: Figures,
  ): Generator<{ name: string; encode(pass: GPUComputePassEncoder): void }> {
    for (const index of step.programs) {
      for (const { name, pipeline, group, ...counts } of this.#program(index)) {
        const [x, y, z] = [counts.x, counts.y, counts.z].map((count) => countOf(count, step));
        if (!x || !y || !z) continue;
        yield {
          name,
          encode(pass) {
            pass.setPipeline(pipeline);
            pass.setBindGroup(0, group);
            pass.dispatchWorkgroups(x, y, z);
          },
        };
      }
    }
  }

  #program(index: number): Recorded[] {
    const program = this.#programs[index];
    if (!program) throw new HearthError("internal", "A step names no program of its plan.");
    return program;
  }
}

/** Dispatches that bind the same ranges share a group. */
function record(
  program: GpuProgram,
  compiled: readonly Compiled[],
  buffers: Buffers,
  groups: Map<string, GPUBindGroup>,
): Recorded[] {
  return program.dispatches.map(({ name, pipeline: index, bindings, x, y, z }) => {
    const found = compiled[index];
    if (!found) throw new HearthError("internal", `${name} names no pipeline of its plan.`);
    const ranges = bindings.map(({ buffer, offset, bytes }) => `${buffer}+${offset}:${bytes}`);
    const key = `${index} ${ranges.join(" ")}`;
    let group = groups.get(key);
    if (!group) {
      const resources = bindings.map((binding) => buffers.range(binding));
      group = buffers.group(found, resources, name);
      groups.set(key, group);
    }
    return { name, pipeline: found.pipeline, group, x, y, z };
  });
}
