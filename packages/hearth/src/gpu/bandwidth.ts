// How fast the device reads its memory: what a plain loop over a large buffer reaches. A decoded token
// reads every weight once, so this is the speed that decoding can come near and never pass.

import { median } from "../engine/median.js";
import { throwIfAborted } from "../errors.js";
import type { Gpu } from "./adapter.js";
import type { Device } from "./device.js";
import { computeStage, mapRead, usage } from "./flags.js";

/** Larger than the caches of any graphics card, which would be faster than its memory. */
const wantedBytes = 256 << 20;
/** Where the CPU is the card: past its caches as a rule, and soon read. */
const softwareBytes = 32 << 20;
const workgroup = 256;
/** Workgroups of the loop: enough that every processor of the largest cards is given some 16. */
const groups = 2048;
/** Nanoseconds that a sample is to take: browsers round timestamps to 0.1 ms, so that is 1 %. */
const sampleNs = 10e6;
/** Passes over the buffer in a sample at most: 10 ms at more than 50 TB/s. */
const mostPasses = 2048;
const samples = 9;

// Every word goes into a sum that is written under a condition that a compiler cannot rule out, or it
// would leave the loop out. The buffer is filled with something else than zeros, which a card might
// keep compressed.
const code = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> data: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> sink: array<vec4u>;
const STRIDE = ${workgroup * groups}u;

@compute @workgroup_size(${workgroup})
fn fill(@builtin(global_invocation_id) at: vec3u) {
  for (var i = at.x; i < arrayLength(&data); i += STRIDE) {
    data[i] = (i * 4u + vec4u(0u, 1u, 2u, 3u)) * 0x9e3779b9u;
  }
}

@compute @workgroup_size(${workgroup})
fn read(@builtin(global_invocation_id) at: vec3u) {
  var seen = vec4u(0u);
  for (var i = at.x; i < arrayLength(&data); i += STRIDE) { seen ^= data[i]; }
  if (all(seen == vec4u(0x85ebca6bu))) { sink[0] = seen; }
}`;

export interface Bandwidth {
  /** Median of the samples. */
  bytesPerSecond: number;
  /** Bytes a second of each sample, in order. */
  samples: number[];
  /** Size of the buffer that was read. */
  bytes: number;
}

/**
 * Measures the bandwidth of reading, by timestamps where the device has them and else by the clock.
 *
 * @throws HearthError `out_of_memory`, `gpu_error`, `device_lost`, `aborted`.
 */
export async function measureBandwidth(
  { device, software }: Pick<Gpu, "device" | "software">,
  signal?: AbortSignal,
): Promise<Bandwidth> {
  const { raw } = device;
  const wanted = software ? softwareBytes : wantedBytes;
  const most = Math.min(wanted, raw.limits.maxStorageBufferBindingSize);
  const bytes = Math.floor(most / 16) * 16;
  const made: { destroy(): void }[] = [];
  const keep = <T extends { destroy(): void }>(thing: T): T => {
    made.push(thing);
    return thing;
  };
  try {
    const parts = await device.scoped("bandwidth", () => {
      const data = keep(raw.createBuffer({ size: bytes, usage: usage.storage }));
      const sink = keep(raw.createBuffer({ size: 16, usage: usage.storage }));
      const buffer = { type: "storage" } as const;
      const layout = raw.createBindGroupLayout({
        entries: [0, 1].map((binding) => ({ binding, visibility: computeStage, buffer })),
      });
      const group = raw.createBindGroup({
        layout,
        entries: [data, sink].map((each, binding) => ({ binding, resource: { buffer: each } })),
      });
      const module = raw.createShaderModule({ label: "bandwidth", code });
      const pipeline = (entryPoint: string) =>
        raw.createComputePipeline({
          layout: raw.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module, entryPoint },
        });
      const clock = raw.features.has("timestamp-query") ? new Stamps(raw, keep) : undefined;
      return { group, fill: pipeline("fill"), read: pipeline("read"), clock };
    });
    const nanoseconds = async (pipeline: GPUComputePipeline, passes: number): Promise<number> => {
      throwIfAborted(signal);
      const encoder = raw.createCommandEncoder();
      const { clock } = parts;
      const pass = encoder.beginComputePass(clock ? { timestampWrites: clock.writes } : {});
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, parts.group);
      for (let i = 0; i < passes; i++) pass.dispatchWorkgroups(groups);
      pass.end();
      clock?.resolve(encoder);
      const startedAt = performance.now();
      raw.queue.submit([encoder.finish()]);
      await device.settle(raw.queue.onSubmittedWorkDone(), "bandwidth");
      device.check();
      return clock ? await clock.read(device) : (performance.now() - startedAt) * 1e6;
    };
    await nanoseconds(parts.fill, 1);
    // The first pass also wakes the card up, so the second one tells how many make a sample.
    await nanoseconds(parts.read, 1);
    const once = Math.max(1, await nanoseconds(parts.read, 1));
    const passes = Math.max(1, Math.min(mostPasses, Math.ceil(sampleNs / once)));
    const speeds: number[] = [];
    for (let i = 0; i < samples; i++) {
      speeds.push((bytes * passes) / ((await nanoseconds(parts.read, passes)) * 1e-9));
    }
    return { bytesPerSecond: median(speeds), samples: speeds, bytes };
  } finally {
    for (const thing of made) thing.destroy();
  }
}

/** Timestamps at the beginning and the end of a pass. */
class Stamps {
  readonly writes: GPUComputePassTimestampWrites;
  readonly #resolved: GPUBuffer;
  readonly #answer: GPUBuffer;

  constructor(raw: GPUDevice, keep: <T extends { destroy(): void }>(thing: T) => T) {
    const querySet = keep(raw.createQuerySet({ type: "timestamp", count: 2 }));
    this.writes = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const size = 2 * BigUint64Array.BYTES_PER_ELEMENT;
    const { queryResolve, copySrc, copyDst } = usage;
    this.#resolved = keep(raw.createBuffer({ size, usage: queryResolve | copySrc }));
    this.#answer = keep(raw.createBuffer({ size, usage: usage.mapRead | copyDst }));
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.writes.querySet, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#answer, 0, this.#answer.size);
  }

  async read(device: Device): Promise<number> {
    await device.settle(this.#answer.mapAsync(mapRead), "bandwidth");
    const [begin = 0n, end = 0n] = new BigUint64Array(this.#answer.getMappedRange());
    this.#answer.unmap();
    return Number(end - begin);
  }
}
