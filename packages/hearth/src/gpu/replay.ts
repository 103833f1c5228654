// A plan's programs as they are replayed: pipelines and bind groups made once, when a program is first
// needed, and grids that are worked out from a step's figures.

import type { GpuCount, GpuDispatch, GpuPlan, GpuProgram, GpuStep } from "../abi.generated.js";
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
  readonly #plan: Pick<GpuPlan, "programs">;
  readonly #buffers: Buffers;
  readonly #programs: (readonly Recorded[] | undefined)[] = [];
  /** Dispatches that bind the same ranges share a group. */
  readonly #groups = new Map<string, GPUBindGroup>();

  constructor(plan: Pick<GpuPlan, "programs">, buffers: Buffers) {
    this.#plan = plan;
    this.#buffers = buffers;
  }

  /** Whether a program can be replayed. */
  has(index: number): boolean {
    return this.#programs[index] !== undefined;
  }

  /** The pipelines that a program runs, by their places in the plan. */
  pipelinesOf(index: number): number[] {
    return [...new Set(this.#planned(index).dispatches.map((dispatch) => dispatch.pipeline))];
  }

  /** Makes a program's bind groups; call it in an error scope. */
  record(index: number, compiled: ReadonlyMap<number, Compiled>): void {
    const { dispatches } = this.#planned(index);
    this.#programs[index] = dispatches.map((each) => this.#recorded(each, compiled));
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

  #program(index: number): readonly Recorded[] {
    const program = this.#programs[index];
    if (!program) throw new HearthError("internal", "A step's program was not compiled.");
    return program;
  }

  #planned(index: number): GpuProgram {
    const program = this.#plan.programs[index];
    if (!program) throw new HearthError("internal", "A step names no program of its plan.");
    return program;
  }

  #recorded(dispatch: GpuDispatch, compiled: ReadonlyMap<number, Compiled>): Recorded {
    const { name, pipeline: index, bindings, x, y, z } = dispatch;
    const found = compiled.get(index);
    if (!found) throw new HearthError("internal", `${name} has no pipeline.`);
    const ranges = bindings.map(({ buffer, offset, bytes }) => `${buffer}+${offset}:${bytes}`);
    const key = `${index} ${ranges.join(" ")}`;
    let group = this.#groups.get(key);
    if (!group) {
      const resources = bindings.map((binding) => this.#buffers.range(binding));
      group = this.#buffers.group(found, resources, name);
      this.#groups.set(key, group);
    }
    return { name, pipeline: found.pipeline, group, x, y, z };
  }
}
