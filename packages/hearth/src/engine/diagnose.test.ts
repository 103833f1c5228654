// The diagnosis on a software adapter: verdicts, what is learned of them, and devices that fail.

import { afterEach, describe, expect, it, vi } from "vitest";
import type { GpuPlan, MethodName } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import { recall } from "../gpu/memory.js";
import { FileStore } from "../store/file-store.js";
import { MemoryBackend } from "../store/memory.js";
import { fakePlatform, portPair } from "../testing/fake-core.js";
import { FakeGpuCore, tinyPlan } from "../testing/fake-gpu.js";
import { SoftwareGpus } from "../testing/software-gpu.js";
import { serve } from "../worker/serve.js";
import { diagnoseOn } from "./device.js";
import type { DiagnoseOptions, DiagnoseProgress } from "./diagnosis-types.js";
import { Host } from "./host.js";

const checked = ["store", "logits", "greedy"];

/** A core with three checks, of which "logits" runs another kernel than the fake expects. */
class SickCore extends FakeGpuCore {
  override checkPlan = (name: string): GpuPlan => {
    const plan = tinyPlan();
    const [store] = plan.sources;
    if (store && name === "logits") store.code = store.code.replace("= ids[at.x]", "= 1u");
    return plan;
  };

  protected override respond(method: MethodName, request: never): unknown {
    return method === "gpuCheckNames" ? { names: checked } : super.respond(method, request);
  }
}

function setUp(core: FakeGpuCore = new SickCore(), hasGpu = true) {
  const gpus = new SoftwareGpus();
  opened.push(gpus);
  const store = new FileStore(new MemoryBackend());
  const diagnose = (options: DiagnoseOptions = {}) => {
    const pair = portPair();
    core.closed = false;
    const platform = {
      ...fakePlatform(core),
      openStore: async () => store,
      openGpu: async () => {
        if (hasGpu) return gpus.open();
        throw new HearthError("unsupported_device", "There is no WebGPU here.");
      },
    };
    serve(pair.worker, new Host(platform).handlers());
    const app = { spawn: () => pair.app, baseUrl: undefined, resolveWasm: String };
    return diagnoseOn(options, app);
  };
  const learned = async () => {
    const memo = JSON.parse((await store.memo("gpu")) ?? "{}") as Record<string, unknown>;
    const [place] = Object.keys(memo);
    return place === undefined ? {} : (await recall(store, place)).verdicts;
  };
  return { core, gpus, store, diagnose, learned };
}
const opened: SoftwareGpus[] = [];
afterEach(() => {
  for (const gpus of opened.splice(0)) gpus.last?.device.destroy();
});

// A software adapter on a busy machine takes its time.
describe("diagnosis", { timeout: 60_000 }, () => {
  it("describes the device and finds the kernel that is wrong", async () => {
    const { diagnose, learned } = setUp();
    const progress: DiagnoseProgress[] = [];
    const result = await diagnose({ onProgress: (each) => progress.push(each) });
    expect(result.kernels.map(({ name, ok }) => [name, ok])).toEqual([
      ["store", true],
      ["logits", false],
      ["greedy", true],
    ]);
    expect(result.adapter).toMatchObject({ software: true, has: { subgroups: true } });
    expect(result.adapter?.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThan(127);
    expect(result.reason).toBeUndefined();
    // Figures of a CPU that plays a card would only mislead.
    expect(result.bandwidth).toBeUndefined();
    expect(result.storage).toEqual({ kind: "memory", bytes: 0 });
    expect(result.wasm).toMatchObject({ simd: true, memoryBytes: 2 ** 32 });
    expect(progress.map(({ kernel, done, total }) => [kernel, done, total])).toEqual(
      checked.map((name, done) => [name, done, 3]),
    );
    const verdicts = Object.entries(await learned()).map(([key, ok]) => [key.split("@")[0], ok]);
    expect(Object.fromEntries(verdicts)).toEqual({ store: true, logits: false, greedy: true });
  });

  it("goes on with another device after a kernel took one down", async () => {
    const { core, gpus, diagnose, learned } = setUp();
    core.before = (method, request) => {
      if (method === "gpuCheckOpen" && (request as { name: string }).name === "store") gpus.lose();
    };
    const { kernels } = await diagnose();
    expect(kernels.map(({ name, ok }) => [name, ok])).toEqual([
      ["store", false],
      ["logits", false],
      ["greedy", true],
    ]);
    expect(kernels[0]?.failure).toContain("lost");
    expect(kernels[1]?.failure).toBeUndefined();
    expect(gpus.opened).toBe(2);
    const lost = Object.entries(await learned()).filter(([key]) => key.startsWith("store@"));
    expect(lost.map(([, ok]) => ok)).toEqual([false]);
  });

  it("says why there is no GPU", async () => {
    const { diagnose, core } = setUp(new SickCore(), false);
    const result = await diagnose();
    expect(result.reason).toBe("There is no WebGPU here.");
    expect(result.adapter).toBeUndefined();
    expect(result.kernels).toEqual([]);
    expect(core.closed).toBe(true);
  });

  it("forgets what was learned when it is told to, and leaves kernels alone", async () => {
    const { diagnose, learned, core } = setUp();
    await diagnose();
    core.calls.length = 0;
    const { kernels } = await diagnose({ forget: true, kernels: false });
    expect(kernels).toEqual([]);
    expect(core.calls).not.toContain("gpuCheckOpen");
    expect(await learned()).toEqual({});
  });

  it("ends between two kernels when it is aborted", async () => {
    const { core, diagnose } = setUp();
    const controller = new AbortController();
    const aborted = diagnose({
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
    expect(core.calls.filter((name) => name === "gpuCheckOpen").length).toBeLessThan(3);
    // A check that takes longer than an abort may wait for ends by itself.
    await vi.waitFor(() => expect(core.closed).toBe(true), 30_000);
  });

  it("checks its options before a worker is started", async () => {
    const { diagnose, core } = setUp();
    for (const options of [{ forget: 1 }, { kernels: "yes" }, { variant: "fast" }]) {
      await expect(diagnose(options as unknown as DiagnoseOptions)).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
    expect(core.calls).toEqual([]);
  });
});
