// The benchmark on a software adapter, of a model that is tiny: what it asks and what it reports.

import { afterEach, describe, expect, it } from "vitest";
import type { GpuPlan, MethodName } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import { madeUp } from "../gpu/fill.js";
import { fakePlatform, portPair } from "../testing/fake-core.js";
import { FakeGpuCore, tinyPlan } from "../testing/fake-gpu.js";
import { SoftwareGpus } from "../testing/software-gpu.js";
import { serve } from "../worker/serve.js";
import type { BenchmarkOptions, BenchmarkProgress } from "./benchmark-types.js";
import { benchmarkOn } from "./device.js";
import { Host } from "./host.js";

/** The fake's plan, as the core's of a shape: in no file. */
function shapePlan(): GpuPlan {
  const plan = tinyPlan();
  for (const load of plan.loads) Object.assign(load, { file: madeUp, dtype: "F32" });
  for (const dispatch of plan.programs[0]?.dispatches ?? []) dispatch.bytes = 1000;
  return plan;
}

function setUp() {
  const core = new FakeGpuCore();
  core.plan = shapePlan;
  const requests: [MethodName, unknown][] = [];
  core.before = (method, request) => {
    requests.push([method, request]);
  };
  const gpus = new SoftwareGpus();
  opened.push(gpus);
  const pair = portPair();
  const platform = {
    ...fakePlatform(core),
    openGpu: async ({ software }: { software: boolean }) => {
      if (!software) throw new HearthError("unsupported_device", "Software only.");
      return gpus.open();
    },
  };
  serve(pair.worker, new Host(platform).handlers());
  const app = { spawn: () => pair.app, baseUrl: undefined, resolveWasm: String };
  const benchmark = (options: Partial<BenchmarkOptions> = {}) =>
    benchmarkOn(
      {
        ...{ shape: "tiny", contexts: [0, 8], prefill: 8, tokens: 4, repeat: 2, software: true },
        ...options,
      },
      app,
    );
  return { core, gpus, benchmark, requests, terminated: () => pair.app.terminated };
}
const opened: SoftwareGpus[] = [];
afterEach(() => {
  for (const gpus of opened.splice(0)) gpus.last?.device.destroy();
});

// A software adapter on a busy machine takes its time.
describe("benchmark", { timeout: 60_000 }, () => {
  it("times a prompt, and tokens behind contexts that are pretended", async () => {
    const { core, benchmark, requests, terminated } = setUp();
    const phases: BenchmarkProgress[] = [];
    const result = await benchmark({ onProgress: (progress) => phases.push(progress) });
    expect(result).toMatchObject({ shape: "tiny", refused: [], weightBytes: 2000, dispatches: 3 });
    expect(result.adapter.software).toBe(true);
    expect(result.bandwidth.bytesPerSecond).toBeGreaterThan(0);
    expect(result.prefill).toMatchObject({ tokens: 8 });
    expect(result.prefill.seconds).toHaveLength(2);
    expect(result.decode.map(({ context, seconds }) => [context, seconds.length])).toEqual([
      [0, 2],
      [8, 2],
    ]);
    for (const { kernels, milliseconds, tokensPerSecond, medianSeconds } of result.decode) {
      expect(tokensPerSecond).toBeCloseTo(4 / medianSeconds, 6);
      expect(kernels.map(({ kernel }) => kernel).sort()).toEqual(["greedy", "logits", "store"]);
      expect(kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
      expect(Math.min(...Object.values(milliseconds))).toBeGreaterThan(0);
    }
    // One that is not counted and two that are, the same again to profile, and one to count.
    const pretended = requests.filter(([method]) => method === "sessionPretend");
    expect(pretended.map(([, request]) => (request as { tokens: number }).tokens)).toEqual([
      ...[0, 0, 0, 0, 0],
      ...[0, 0, 0, 0],
      ...[8, 8, 8, 8],
    ]);
    const [, opened] = requests.find(([method]) => method === "modelOpen") ?? [];
    expect(opened).toMatchObject({ shape: "tiny", files: [], contextLength: 13 });
    expect(new Set(phases.map(({ phase }) => phase))).toEqual(
      new Set(["bandwidth", "load", "prefill", "profile", "decode"]),
    );
    expect(core.closed).toBe(true);
    expect(terminated()).toBe(1);
  });

  it("refuses an adapter in software unless it was asked for", async () => {
    const { benchmark, terminated } = setUp();
    await expect(benchmark({ software: false })).rejects.toMatchObject({
      code: "unsupported_device",
    });
    expect(terminated()).toBe(1);
  });

  it("hands on what the core says of a shape, and leaves nothing open", async () => {
    const { core, gpus, benchmark } = setUp();
    core.before = (method) => {
      if (method !== "modelOpen") return;
      throw new HearthError("invalid_argument", "It is no shape.", { subject: "shape" });
    };
    await expect(benchmark()).rejects.toMatchObject({
      code: "invalid_argument",
      message: "It is no shape.",
    });
    expect(core.closed).toBe(true);
    await gpus.last?.device.raw.lost;
  });

  it("ends between two runs when it is aborted", async () => {
    const { core, benchmark } = setUp();
    const controller = new AbortController();
    const aborted = benchmark({
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === "decode") controller.abort();
      },
    });
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
    expect(core.closed).toBe(true);
  });

  it("checks its options before a worker is started", async () => {
    const { benchmark, requests } = setUp();
    for (const options of [
      { shape: "" },
      { contexts: [] },
      { contexts: [-1] },
      { prefill: 0 },
      { tokens: 1.5 },
      { repeat: 1e6 },
      { gpu: { maxBindingBytes: 1 } },
    ]) {
      await expect(benchmark(options)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    expect(requests).toEqual([]);
  });
});
