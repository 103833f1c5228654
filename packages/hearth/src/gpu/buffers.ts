// A plan's buffers: made in one go, filled with what the plan writes, and bound to dispatches.

import type { GpuBinding, GpuPlan, GpuWrite } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import type { Compiled } from "./compile.js";
import type { Device } from "./device.js";
import { usage } from "./flags.js";

export class Buffers {
  readonly #device: Device;
  readonly #buffers: GPUBuffer[];

  private constructor(device: Device, buffers: GPUBuffer[]) {
    this.#device = device;
    this.#buffers = buffers;
  }

  /** Throws HearthError `out_of_memory`, having given back what it got; `gpu_error`, `device_lost`. */
  static async make(
    device: Device,
    plan: Pick<GpuPlan, "buffers" | "writes">,
    subject: string,
  ): Promise<Buffers> {
    const made: GPUBuffer[] = [];
    const buffers = new Buffers(device, made);
    try {
      await device.scoped(subject, () => {
        for (const { name, kind, bytes } of plan.buffers) {
          const is = kind === "uniform" ? usage.uniform : usage.storage;
          made.push(
            device.raw.createBuffer({
              label: name,
              size: bytes,
              usage: is | usage.copySrc | usage.copyDst,
            }),
          );
        }
      });
      await device.scoped(subject, () => buffers.write(plan.writes));
    } catch (error) {
      buffers.destroy();
      throw error;
    }
    return buffers;
  }

  at(index: number): GPUBuffer {
    const buffer = this.#buffers[index];
    if (!buffer) throw new HearthError("internal", "A binding names no buffer of its plan.");
    return buffer;
  }

  write(writes: readonly GpuWrite[]): void {
    for (const { buffer, offset, data } of writes) {
      this.#device.raw.queue.writeBuffer(this.at(buffer), offset, data as Uint8Array<ArrayBuffer>);
    }
  }

  range({ buffer, offset, bytes }: GpuBinding): GPUBufferBinding {
    return { buffer: this.at(buffer), offset, size: bytes };
  }

  /** Binds resources to the bindings 0, 1, 2 … of a pipeline. */
  group(compiled: Compiled, resources: readonly GPUBufferBinding[], label: string): GPUBindGroup {
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    return this.#device.raw.createBindGroup({ label, layout: compiled.groupLayout, entries });
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }
}
