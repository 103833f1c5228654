// Checks of kernels on a device: a wrong one is found, remembered, and done without.

import { describe, expect, it } from "vitest";
import type { GpuPlan } from "../abi.generated.js";
import { FileStore } from "../store/file-store.js";
import { MemoryBackend } from "../store/memory.js";
import { FakeGpuCore, tinyPlan } from "../testing/fake-gpu.js";
import { SoftwareGpus } from "../testing/software-gpu.js";
import { checkKernels, runCheck } from "./checks.js";
import { PipelineCache } from "./compile.js";
import { recall } from "./memory.js";

const place = "a card";

async function setUp() {
  const core = new FakeGpuCore();
  const gpus = new SoftwareGpus();
  const gpu = await gpus.open();
  const pipelines = new PipelineCache(gpu.device);
  const memos = new FileStore(new MemoryBackend());
  const check = async (plan: GpuPlan) => {
    const learned = await recall(memos, place);
    return checkKernels(core, gpu, pipelines, plan, { learned, memos, place });
  };
  const checked = () => core.calls.filter((name) => name === "gpuCheckClose").length;
  return { core, gpus, gpu, pipelines, memos, check, checked };
}

/** The plan with another kernel "store". */
function planWith(change: (code: string) => string): GpuPlan {
  const plan = tinyPlan();
  const [store] = plan.sources;
  if (store) store.code = change(store.code);
  return plan;
}
const offByOne = () => planWith((code) => code.replace("= ids[at.x]", "= ids[at.x] + 1u"));

/** A plan that runs "store" and then a variant of "pass", which keeps what is there if it is right. */
function twoKernels(name: string, refused: readonly string[], wrong = ["pass.fast"]): GpuPlan {
  const plan = tinyPlan();
  const variants = ["pass.fast", "pass.plain"];
  const right = variants.find((each) => !refused.includes(each)) ?? "pass.fast";
  const pass = variants.includes(name) ? name : right;
  const [store] = plan.sources;
  const [program] = plan.programs;
  const [dispatch] = program?.dispatches ?? [];
  if (!store || !program || !dispatch) throw new Error("the tiny plan stores nothing");
  const added = `${wrong.includes(pass) ? 1 : 0}u; // ${pass}`;
  const code = store.code.replace("= ids[at.x];", `+= ${added}\n`);
  return {
    ...plan,
    sources: [store, { name: pass, code }],
    pipelines: [0, 1].map((source) => ({ source, constants: [], layout: "uww" })),
    programs: [{ ...program, dispatches: [dispatch, { ...dispatch, pipeline: 1 }] }],
  };
}

describe("checks of kernels", () => {
  it("pass what is right, once", async () => {
    const { check, checked, gpu } = await setUp();
    expect(await check(tinyPlan())).toEqual([]);
    expect(await check(tinyPlan())).toEqual([]);
    expect(checked()).toBe(1);
    gpu.device.destroy();
  });

  it("find a wrong kernel, and remember it until its source changes", async () => {
    const { core, check, checked, gpu } = await setUp();
    core.checkPlan = offByOne;
    expect(await check(offByOne())).toEqual(["store"]);
    expect(await check(offByOne())).toEqual(["store"]);
    expect(checked()).toBe(1);
    core.checkPlan = tinyPlan;
    expect(await check(tinyPlan())).toEqual([]);
    expect(checked()).toBe(2);
    gpu.device.destroy();
  });

  // To check one of two kernels that follow each other takes the other as well.
  it.each([
    ["first", ["store", "pass.fast"], 3],
    ["last", ["pass.fast", "store"], 3],
  ])("blame no kernel for another, checked %s", async (_, checks, times) => {
    const { core, check, checked, gpu } = await setUp();
    core.checkPlan = (name, refused) => twoKernels(name, refused);
    const plan = { ...twoKernels("store", []), checks };
    expect(await check(plan)).toEqual(["pass.fast"]);
    expect(checked()).toBe(times);
    // And what was found out is remembered.
    expect(await check(plan)).toEqual(["pass.fast"]);
    expect(checked()).toBe(times);
    gpu.device.destroy();
  });

  it("cannot check a kernel when every variant of another is wrong", async () => {
    const { core, check, gpu } = await setUp();
    core.checkPlan = (name, refused) => twoKernels(name, refused, ["pass.fast", "pass.plain"]);
    const checks = ["pass.fast", "pass.plain", "store"];
    const plan = { ...twoKernels("store", []), checks };
    await expect(check(plan)).rejects.toMatchObject({ code: "unsupported_device" });
    gpu.device.destroy();
  });

  it("count one that does not compile as wrong, and say why", async () => {
    const { core, gpu, pipelines } = await setUp();
    core.checkPlan = () => planWith(() => "not WGSL");
    const { verdict, failure } = await runCheck(core, gpu, pipelines, "store");
    expect(verdict.ok).toBe(false);
    expect(failure).toMatchObject({ code: "gpu_error", subject: "store" });
    expect(core.calls.at(-1)).toBe("gpuCheckClose");
    gpu.device.destroy();
  });

  it("never try a kernel again that took the device down", async () => {
    const { core, gpus, check, memos } = await setUp();
    core.before = (method) => {
      if (method === "gpuCheckOpen") gpus.lose();
    };
    await expect(check(tinyPlan())).rejects.toMatchObject({ code: "device_lost" });
    const { verdicts } = await recall(memos, place);
    expect(Object.values(verdicts)).toEqual([false]);
  });

  it("learn nothing from a failure of the core", async () => {
    const { core, check, memos, gpu } = await setUp();
    core.before = (method) => {
      if (method === "gpuCheckClose") throw new Error("a bug");
    };
    await expect(check(tinyPlan())).rejects.toThrow("a bug");
    expect(await recall(memos, place)).toEqual({ verdicts: {}, choices: [] });
    gpu.device.destroy();
  });
});
