// Grids, profiles, and programs that are left out.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GpuCount, GpuStep } from "../abi.generated.js";
import { alphabet, tinyPlan } from "../testing/fake-gpu.js";
import { SoftwareGpus } from "../testing/software-gpu.js";
import type { Gpu } from "./adapter.js";
import { PipelineCache } from "./compile.js";
import { countOf } from "./replay.js";
import { Runner } from "./runner.js";

const figures = { programs: [], tokens: 5, outputs: 0, length: 100 };

it.each<[string, Partial<GpuCount>, number]>([
  ["a number", { fixed: 7 }, 7],
  ["a step's tokens", { per: "tokens" }, 5],
  ["tiles of tokens, the last one not full", { per: "tokens", divisor: 4 }, 2],
  ["heads times tokens", { per: "tokens", times: 9 }, 45],
  ["the context's length in pieces", { per: "length", times: 3, divisor: 64 }, 5],
  ["no outputs", { per: "outputs", times: 4 }, 0],
])("counts %s", (_, count, expected) => {
  expect(countOf({ fixed: 0, per: "", times: 1, divisor: 1, ...count }, figures)).toBe(expected);
});

describe("a step", () => {
  let gpu: Gpu;
  let runner: Runner;
  beforeAll(async () => {
    gpu = await new SoftwareGpus().open();
    const files = new Map([[1, { name: "tiny", stored: alphabet() }]]);
    runner = await Runner.build(gpu.device, new PipelineCache(gpu.device), tinyPlan(), 1024, {
      files,
    });
  });
  afterAll(() => gpu.device.destroy());

  const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const step = (more: Partial<GpuStep>): GpuStep => ({
    writes: [
      { buffer: 2, offset: 0, data: words(0, 2, 1, 2) },
      { buffer: 3, offset: 0, data: words(65, 70) },
    ],
    ...{ programs: [0, 1], tokens: 2, outputs: 1, length: 2, read: "id" },
    ...more,
  });

  it("answers with what it is to read", async () => {
    expect([...((await runner.submit(step({})).answer) ?? [])]).toEqual([71, 0, 0, 0]);
    const logits = await runner.submit(step({ programs: [0], read: "logits" })).answer;
    expect(new Float32Array(logits?.buffer ?? new ArrayBuffer()).indexOf(1)).toBe(71);
    expect(await runner.submit(step({ read: "" })).answer).toBeUndefined();
  });

  it("is timed dispatch by dispatch, without those of no workgroups", async () => {
    const times = await runner.profile(step({}));
    expect(times.map(({ name }) => name)).toEqual(["store", "logits", "greedy"]);
    expect(times.every(({ ns }) => ns >= 0)).toBe(true);
    const none = await runner.profile(step({ programs: [0], outputs: 0 }));
    expect(none.map(({ name }) => name)).toEqual(["store"]);
  });

  it("waits for a program that no first answer takes, and says what is wrong with it", async () => {
    const plan = tinyPlan();
    const [, greedy] = plan.programs;
    const [dispatch] = greedy?.dispatches ?? [];
    if (!greedy || !dispatch) throw new Error("the tiny plan samples nothing");
    // The third program is the second by another name, the fourth one that does not compile.
    const wrong = { ...greedy, name: "wrong", dispatches: [{ ...dispatch, pipeline: 4 }] };
    const programs = [...plan.programs, { ...greedy, name: "late" }, wrong];
    const sources = [...plan.sources, { name: "wrong", code: "not WGSL" }];
    const pipelines = [...plan.pipelines, { source: 4, constants: [], layout: "uwww" }];
    const late = await Runner.build(
      gpu.device,
      new PipelineCache(gpu.device),
      { ...plan, sources, pipelines, programs },
      1024,
      { files: new Map([[1, { name: "tiny", stored: alphabet() }]]) },
    );
    const needs = step({ programs: [0, 2] });
    expect(() => late.submit(needs)).toThrow(/not compiled/);
    await late.prepare(needs.programs);
    expect([...((await late.submit(needs).answer) ?? [])]).toEqual([71, 0, 0, 0]);
    await expect(late.prepare([3])).rejects.toMatchObject({ code: "gpu_error", subject: "wrong" });
    gpu.device.check(); // the others go on
    late.destroy();
  });

  it("refuses a program that its plan has not", async () => {
    await expect(runner.prepare([9])).rejects.toThrow(/no program/);
    expect(() => runner.submit(step({ programs: [9] }))).toThrow(/not compiled/);
  });
});
