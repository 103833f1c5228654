// Weights from files into GPU buffers, repacked there. A slice is read into memory that is used again
// and again, written to a staging buffer, and taken apart by a kernel; several slices share a
// submission, and a few submissions are under way at a time, so that reading, upload and repacking
// overlap while memory stays bounded.

import type { GpuLoad } from "../abi.generated.js";
import type { OpenFile } from "../engine/files.js";
import { yieldNow } from "../engine/yield.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Buffers } from "./buffers.js";
import type { ColumnOrderOf } from "./column-order.js";
import type { Compiled } from "./compile.js";
import type { Device } from "./device.js";
import { fillRandom, madeUp } from "./fill.js";
import { mostWorkgroups, usage } from "./flags.js";

/** Bytes staged in a submission: a millisecond's work for a disk, and soon enough to see an abort. */
const stagingBytes = 8 << 20;
/** Submissions under way: one that is read for, one that is uploaded, one that is repacked. */
const stagings = 3;
/** Smallest distance of two uniforms' offsets that every adapter takes. */
const slotBytes = 256;
/** Slices in a submission: more than a layer's tensors. */
const slots = 64;
/** Units that a workgroup of the repacking kernels takes: each of its invocations takes a pair. */
const unitsPerGroup = 128;
/** Rows of a unit that a workgroup takes, of kernels that take many. */
const rowsPerGroup = 64;
/** Kernels read whole words, of which the last may reach past the last block. */
const slack = 16;
/** Slices start at 16 bytes, so that a kernel may read the staging buffer as vectors. */
const sliceAlign = 16;

export interface LoadOptions {
  /** The open files, by their handles in the core. */
  readonly files: ReadonlyMap<number, OpenFile>;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** For plans with columns out of order. */
  readonly columnOrder?: ColumnOrderOf | undefined;
}

interface Slice {
  readonly load: GpuLoad;
  readonly compiled: Compiled;
  readonly units: number;
}

interface Staging {
  readonly data: GPUBuffer;
  readonly uniforms: GPUBuffer;
}

/** A pipeline of the plan, by its place there; it may still be compiling. */
export type Pipelines = (index: number) => Promise<Compiled>;

/**
 * Runs a load plan.
 *
 * @throws HearthError `truncated_data`, `aborted`, what the store or the device fails with.
 */
export async function loadWeights(
  device: Device,
  buffers: Buffers,
  loads: readonly GpuLoad[],
  pipelines: Pipelines,
  options: LoadOptions,
): Promise<void> {
  if (loads.length === 0) return;
  const loader = await Loader.start(device, buffers, loads, options);
  try {
    for (const load of loads) await loader.load(load, pipelines);
    await loader.finish();
  } finally {
    loader.destroy();
  }
}

class Loader {
  readonly #device: Device;
  readonly #buffers: Buffers;
  readonly #options: LoadOptions;
  readonly #staging: Staging[];
  readonly #size: number;
  /** What is being put together for the next submission. */
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #uniforms = new Uint32Array((slots * slotBytes) / 4);
  #slices: Slice[] = [];
  #used = 0;
  /** Bytes copied straight to their place since the last submission. */
  #copied = 0;
  #turn = 0;
  readonly #underWay: Promise<unknown>[] = [];
  readonly #made = new Map<string, Uint8Array>();

  private constructor(
    device: Device,
    buffers: Buffers,
    options: LoadOptions,
    size: number,
    staging: Staging[],
  ) {
    this.#device = device;
    this.#buffers = buffers;
    this.#options = options;
    this.#size = size;
    this.#bytes = new Uint8Array(size);
    this.#staging = staging;
  }

  static async start(
    device: Device,
    buffers: Buffers,
    loads: readonly GpuLoad[],
    options: LoadOptions,
  ): Promise<Loader> {
    // Small models need no large buffers; one slice must fit at least.
    const total = loads.reduce((sum, load) => sum + aligned(load.bytes, sliceAlign), 0);
    const slice = Math.max(...loads.map((load) => load.sliceUnits * load.unitBytes));
    const size = aligned(Math.max(Math.min(stagingBytes, total), slice), sliceAlign);
    const staging: Staging[] = [];
    await device.scoped("staging", () => {
      for (let i = 0; i < stagings; i++) {
        const at = usage.copyDst;
        staging.push({
          data: device.raw.createBuffer({
            label: "staging",
            size: size + slack,
            usage: usage.storage | at,
          }),
          uniforms: device.raw.createBuffer({
            label: "slices",
            size: slots * slotBytes,
            usage: usage.uniform | at,
          }),
        });
      }
    });
    return new Loader(device, buffers, options, size, staging);
  }

  async load(load: GpuLoad, pipelines: Pipelines): Promise<void> {
    const compiled = load.pipeline < 0 ? undefined : await pipelines(load.pipeline);
    const most = Math.floor(this.#size / load.unitBytes / load.sliceUnits) * load.sliceUnits;
    const units = load.bytes / load.unitBytes;
    for (let done = 0; done < units; ) {
      throwIfAborted(this.#options.signal);
      const count = Math.min(most, units - done);
      const bytes = count * load.unitBytes;
      if (this.#used + bytes > this.#size || this.#slices.length === slots) await this.#flush();
      const into = this.#bytes.subarray(this.#used, this.#used + bytes);
      await this.#read(load, done * load.unitBytes, into);
      if (load.groupSize > 0) await this.#order(load, into);
      else if (compiled)
        this.#stage({ load, compiled, units: count }, load.firstUnit + done, bytes);
      else await this.#copy(load, (load.firstUnit + done) * load.unitBytes, bytes);
      done += count;
      this.#options.onBytes?.(bytes);
      await yieldNow();
    }
  }

  /** Waits until everything is in its place. */
  async finish(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#underWay.splice(0));
    this.#device.check();
  }

  destroy(): void {
    // An error elsewhere ends the loading while some of it is under way.
    for (const promise of this.#underWay) promise.catch(() => {});
    for (const { data, uniforms } of this.#staging) {
      data.destroy();
      uniforms.destroy();
    }
  }

  async #read(load: GpuLoad, from: number, into: Uint8Array): Promise<void> {
    if (load.file === madeUp) {
      into.set(this.#madeUp(load, into.length));
      return;
    }
    const file = this.#options.files.get(load.file);
    if (!file) throw new HearthError("internal", "The load plan names a file that is not open.");
    for (let done = 0; done < into.length; ) {
      const read = await file.stored.read(into.subarray(done), load.offset + from + done);
      if (read <= 0) throw new HearthError("truncated_data", undefined, { subject: file.name });
      done += read;
    }
  }

  #madeUp({ dtype, unitBytes }: GpuLoad, bytes: number): Uint8Array {
    let made = this.#made.get(dtype);
    if (!made || made.length < bytes) {
      made = new Uint8Array(bytes);
      fillRandom(made, dtype, unitBytes);
      this.#made.set(dtype, made);
    }
    return made.subarray(0, bytes);
  }

  #stage(slice: Slice, firstUnit: number, bytes: number): void {
    const at = (this.#slices.length * slotBytes) / 4;
    this.#uniforms.set([slice.units, firstUnit, this.#used, 0], at);
    this.#slices.push(slice);
    this.#used = aligned(this.#used + bytes, sliceAlign);
  }

  /** Groups of columns, of which the core makes their order, or only looks whether they are in it. */
  async #order(load: GpuLoad, groups: Uint8Array): Promise<void> {
    const { columnOrder } = this.#options;
    if (!columnOrder) throw new HearthError("internal", "The load plan has columns out of order.");
    groups.set(await columnOrder(load, groups));
    if (load.targets.length > 0) await this.#copy(load, 0, groups.length);
  }

  /** For bytes that the kernels take as the file has them. */
  async #copy(load: GpuLoad, at: number, bytes: number): Promise<void> {
    const [target] = load.targets;
    if (!target) throw new HearthError("internal", `${load.name} has nowhere to go.`);
    const { raw } = this.#device;
    // WebGPU writes whole words. What pads the last one is past the tensor's end, and zero.
    const padded = aligned(bytes, 4);
    this.#bytes.fill(0, this.#used + bytes, this.#used + padded);
    const data = this.#bytes.subarray(this.#used, this.#used + padded);
    const buffer = this.#buffers.at(target.buffer);
    this.#guard(() => raw.queue.writeBuffer(buffer, target.offset + at, data));
    this.#copied += padded;
    if (this.#copied >= this.#size) await this.#flush();
  }

  /** Submits what was put together; waits when too much is under way. */
  async #flush(): Promise<void> {
    const { raw } = this.#device;
    if (this.#slices.length > 0 || this.#copied > 0) {
      const staging = this.#staging[this.#turn] as Staging;
      this.#turn = (this.#turn + 1) % stagings;
      this.#guard(() => this.#submit(staging));
      this.#underWay.push(this.#device.settle(raw.queue.onSubmittedWorkDone(), "loading"));
    }
    this.#slices = [];
    this.#used = 0;
    this.#copied = 0;
    // Each submission is two promises: its errors and its end.
    while (this.#underWay.length >= 2 * stagings) await this.#underWay.shift();
  }

  #submit(staging: Staging): void {
    const { raw } = this.#device;
    if (this.#slices.length === 0) {
      raw.queue.submit([]); // sends copies off that would wait for the next submission else
      return;
    }
    raw.queue.writeBuffer(staging.data, 0, this.#bytes, 0, aligned(this.#used, 4));
    const words = (this.#slices.length * slotBytes) / 4;
    raw.queue.writeBuffer(staging.uniforms, 0, this.#uniforms, 0, words);
    const encoder = raw.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const [index, { load, compiled, units }] of this.#slices.entries()) {
      const group = this.#buffers.group(
        compiled,
        [
          { buffer: staging.uniforms, offset: index * slotBytes, size: slotBytes },
          { buffer: staging.data },
          ...load.targets.map((target) => this.#buffers.range(target)),
        ],
        load.name,
      );
      pass.setPipeline(compiled.pipeline);
      pass.setBindGroup(0, group);
      if (load.rows > 0) {
        pass.dispatchWorkgroups(
          Math.min(units, mostWorkgroups),
          Math.ceil(load.rows / rowsPerGroup),
        );
        continue;
      }
      // One more, as the first pair may be half another slice's.
      const groups = Math.ceil((units + 1) / unitsPerGroup);
      const x = Math.min(groups, mostWorkgroups);
      pass.dispatchWorkgroups(x, Math.ceil(groups / x));
    }
    pass.end();
    raw.queue.submit([encoder.finish()]);
  }

  /** Error scopes around what does not wait; their answers are awaited with the submissions'. */
  #guard(work: () => void): void {
    const checked = this.#device.scoped("loading", work);
    checked.catch(() => {});
    this.#underWay.push(checked);
  }
}

function aligned(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
