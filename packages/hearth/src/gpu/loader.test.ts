// Weights on their way to the GPU: slices, staging, tails and failures.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GpuLoad, GpuPlan } from "../abi.generated.js";
import { FakeFile } from "../testing/fake-core.js";
import { SoftwareGpus } from "../testing/software-gpu.js";
import type { Gpu } from "./adapter.js";
import { Buffers } from "./buffers.js";
import { PipelineCache } from "./compile.js";
import { loadWeights } from "./loader.js";
import { Runner } from "./runner.js";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await new SoftwareGpus().open();
});
afterAll(() => gpu.device.destroy());

/** Blocks of 6 bytes: the first four become a code, the last two half a word of scales. */
const blockBytes = 6;
const repack = /* wgsl */ `
struct Repack { units: u32, first: u32, offset: u32, spare: u32 }
@group(0) @binding(0) var<uniform> job: Repack;
@group(0) @binding(1) var<storage, read> staging: array<u32>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
fn byte_at(at: u32) -> u32 { return extractBits(staging[at / 4u], (at % 4u) * 8u, 8u); }
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let pair = job.first / 2u + (group.x + group.y * groups.x) * 64u + lane;
  for (var unit = 2u * pair; unit < 2u * pair + 2u; unit++) {
    if (unit < job.first || unit - job.first >= job.units) { continue; }
    let start = job.offset + (unit - job.first) * ${blockBytes}u;
    codes[unit] = 0u;
    for (var i = 0u; i < 4u; i++) { codes[unit] |= byte_at(start + i) << (8u * i); }
    let half = byte_at(start + 4u) | (byte_at(start + 5u) << 8u);
    let shift = (unit & 1u) * 16u;
    scales[unit / 2u] = (scales[unit / 2u] & (0xffff0000u >> shift)) | (half << shift);
  }
}`;

/** A plan that loads `units` blocks in one load each; their parts are told from the file's bytes. */
function planOf(units: number[], more: Partial<GpuLoad> = {}): GpuPlan {
  const nowhere = { buffer: 0, offset: 0, bytes: 4 };
  const total = units.reduce((sum, count) => sum + count, 0);
  const size = (bytes: number) => Math.ceil(bytes / 4) * 4;
  let at = 0;
  const loads = units.map((count) => {
    const load: GpuLoad = {
      ...{ file: 1, offset: at * blockBytes, bytes: count * blockBytes, name: "w", dtype: "T" },
      ...{ pipeline: 0, unitBytes: blockBytes, sliceUnits: 1, firstUnit: at },
      ...{ rows: 0, groupSize: 0, sorted: false },
      targets: [
        { buffer: 0, offset: 0, bytes: total * 4 },
        { buffer: 1, offset: 0, bytes: size(total * 2) },
      ],
      ...more,
    };
    at += count;
    return load;
  });
  return {
    sources: [{ name: "repack", code: repack }],
    pipelines: [{ source: 0, constants: [], layout: "urww" }],
    buffers: [
      { name: "codes", kind: "weights", bytes: total * 4 },
      { name: "scales", kind: "weights", bytes: size(total * 2) },
    ],
    ...{ writes: [], loads, programs: [], logits: nowhere, sampled: nowhere, checks: [] },
  };
}

/** Bytes that differ from place to place, in no period that a slice could have. */
const bytesOf = (count: number) => Uint8Array.from({ length: count }, (_, i) => (i * 131) >> 3);

const options = (bytes: Uint8Array, onBytes?: (bytes: number) => void) => ({
  files: new Map([[1, { name: "w.gguf", stored: new FakeFile(bytes) }]]),
  onBytes,
});

async function loaded(plan: GpuPlan, bytes: Uint8Array) {
  const pipelines = new PipelineCache(gpu.device);
  const seen: number[] = [];
  const given = options(bytes, (count) => seen.push(count));
  const runner = await Runner.build(gpu.device, pipelines, plan, 0, given);
  const parts = await Promise.all(
    plan.buffers.map(({ bytes: all }, buffer) => runner.read({ buffer, offset: 0, bytes: all })),
  );
  runner.destroy();
  return { parts, seen };
}

function expected(bytes: Uint8Array): [number[], number[]] {
  const blocks = Array.from({ length: bytes.length / blockBytes }, (_, i) =>
    bytes.subarray(i * blockBytes, (i + 1) * blockBytes),
  );
  return [
    blocks.flatMap((block) => [...block.subarray(0, 4)]),
    blocks.flatMap((block) => [...block.subarray(4)]),
  ];
}

describe("loading", () => {
  it("takes blocks apart, tensors of odd sizes behind each other", async () => {
    const units = [5, 1, 130, 77];
    const bytes = bytesOf(213 * blockBytes);
    const { parts, seen } = await loaded(planOf(units), bytes);
    const [codes, scales] = expected(bytes);
    expect([...(parts[0] ?? [])]).toEqual(codes);
    expect([...(parts[1] ?? [])].slice(0, scales.length)).toEqual(scales);
    expect(seen).toEqual(units.map((count) => count * blockBytes));
  });

  it("cuts what is larger than the staging buffers, in whole units", async () => {
    // 25 MB: four slices, so that a staging buffer is used twice.
    const units = 4_200_000;
    const bytes = bytesOf(units * blockBytes);
    const { parts, seen } = await loaded(planOf([units], { sliceUnits: 1000 }), bytes);
    expect(seen.length).toBe(4);
    expect(seen.slice(0, 3).every((count) => count % (1000 * blockBytes) === 0)).toBe(true);
    const codes = new DataView((parts[0] as Uint8Array).buffer);
    const file = new DataView(bytes.buffer);
    let wrong = 0;
    for (let i = 0; i < units; i++) {
      if (codes.getUint32(4 * i, true) !== file.getUint32(blockBytes * i, true)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it("takes more tensors than fit one submission", async () => {
    const units = Array.from({ length: 150 }, (_, i) => 1 + (i % 3));
    const total = units.reduce((sum, count) => sum + count, 0);
    const bytes = bytesOf(total * blockBytes);
    const { parts } = await loaded(planOf(units), bytes);
    expect([...(parts[0] ?? [])]).toEqual(expected(bytes)[0]);
  });

  it("copies what needs no repacking, the last odd bytes too", async () => {
    const bytes = bytesOf(14);
    const copy = { pipeline: -1, unitBytes: 2, sliceUnits: 2, bytes: 14 };
    const plan = planOf([1], copy);
    plan.buffers = [{ name: "vector", kind: "constants", bytes: 16 }];
    plan.loads[0]?.targets.splice(0, 2, { buffer: 0, offset: 0, bytes: 16 });
    const { parts } = await loaded(plan, bytes);
    expect([...(parts[0] ?? [])]).toEqual([...bytes, 0, 0]);
  });

  it("dispatches units along x and their rows along y", async () => {
    const code = /* wgsl */ `
struct Repack { units: u32, first: u32, offset: u32, spare: u32 }
@group(0) @binding(0) var<uniform> job: Repack;
@group(0) @binding(1) var<storage, read> staging: array<u32>;
@group(0) @binding(2) var<storage, read_write> rows: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u) {
  atomicAdd(&rows[job.first + group.x], 1u);
  scales[0] = staging[job.offset / 4u];
}`;
    const plan = planOf([5], { rows: 130 });
    plan.sources = [{ name: "rows", code }];
    const { parts } = await loaded(plan, bytesOf(5 * blockBytes));
    const counts = new Uint32Array((parts[0] as Uint8Array).buffer);
    expect([...counts]).toEqual(Array(5).fill(3 * 64));
  });

  it("puts what the core makes of groups where the groups would go", async () => {
    const groups = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    const order = { groupSize: 1, pipeline: -1, unitBytes: 8, bytes: 8, offset: 0 };
    const plan = planOf([1], order);
    plan.buffers = [{ name: "order", kind: "weights", bytes: 8 }];
    plan.loads[0]?.targets.splice(0, 2, { buffer: 0, offset: 0, bytes: 8 });
    // The same again, only to be looked at.
    plan.loads.push({ ...(plan.loads[0] as GpuLoad), sorted: true, targets: [] });
    const seen: [boolean, number[]][] = [];
    const pipelines = new PipelineCache(gpu.device);
    const runner = await Runner.build(gpu.device, pipelines, plan, 0, {
      ...options(groups),
      columnOrder: async ({ sorted }, bytes) => {
        seen.push([sorted, [...bytes]]);
        return Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0);
      },
    });
    const held = await runner.read({ buffer: 0, offset: 0, bytes: 8 });
    expect([...held]).toEqual([1, 0, 0, 0, 2, 0, 0, 0]);
    expect(seen).toEqual([
      [false, [...groups]],
      [true, [...groups]],
    ]);
    runner.destroy();
    const without = Runner.build(gpu.device, pipelines, plan, 0, options(groups));
    await expect(without).rejects.toMatchObject({ code: "internal" });
  });

  it("makes up blocks of a shape whose weights do not exist", async () => {
    const count = 1000;
    const made = { file: 0xffffffff, dtype: "Q4_0", unitBytes: 18, bytes: 18 * count };
    const plan = planOf([count], { ...made, pipeline: -1, sliceUnits: 2 });
    plan.buffers = [{ name: "blocks", kind: "weights", bytes: 18 * count }];
    plan.loads[0]?.targets.splice(0, 2, { buffer: 0, offset: 0, bytes: 18 * count });
    const { parts } = await loaded(plan, new Uint8Array());
    const view = new DataView((parts[0] as Uint8Array).buffer);
    // Halves from 0.002 to 0.004 lie between these patterns, which grow with the number.
    for (let i = 0; i < count; i++) {
      const scale = view.getUint16(18 * i, true);
      expect(scale >= 0x1819 && scale < 0x1c19).toBe(true);
    }
  });

  it("ends by abort, by a short file and by a pipeline that does not compile", async () => {
    const bytes = bytesOf(600);
    const plan = planOf([100]);
    const build = (of: GpuPlan, more: object) => {
      const pipelines = new PipelineCache(gpu.device);
      return Runner.build(gpu.device, pipelines, of, 0, { ...options(bytes), ...more });
    };
    const aborted = build(plan, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
    const short = build(plan, options(bytes.subarray(0, 599)));
    await expect(short).rejects.toMatchObject({ code: "truncated_data", subject: "w.gguf" });
    const [source] = planOf([1]).sources;
    const wrong = { ...plan, sources: [{ name: "repack", code: `${source?.code} oops` }] };
    await expect(build(wrong, {})).rejects.toMatchObject({ code: "gpu_error", subject: "repack" });
    gpu.device.check(); // none of it harmed the device
  });

  it("does nothing for a plan without weights", async () => {
    const plan = { ...planOf([1]), loads: [] };
    const buffers = await Buffers.make(gpu.device, plan, "none");
    const none = () => Promise.reject(new Error("no pipeline is needed"));
    await loadWeights(gpu.device, buffers, [], none, options(new Uint8Array()));
    buffers.destroy();
  });
});
