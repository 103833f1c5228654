// Which device a model gets, and what happens when it does not do.

import { describe, expect, it } from "vitest";
import { type ErrorCode, HearthError } from "../errors.js";
import type { Gpu, GpuWanted } from "../gpu/adapter.js";
import { FakeCore, FakeFile, fakePlatform, portPair } from "../testing/fake-core.js";
import { serve } from "../worker/serve.js";
import { openEngine } from "./engine.js";
import { Host } from "./host.js";
import type { Device } from "./types.js";

/** A host with a GPU that only counts, and cores that say for whom they were started. */
function setUp(options: { gpu?: ErrorCode; fits?: boolean; fail?: ErrorCode } = {}) {
  const wanted: GpuWanted[] = [];
  const cores: { core: FakeCore; threads: number | undefined }[] = [];
  let destroyed = 0;
  const device = { fits: async () => options.fits ?? true, destroy: () => destroyed++ };
  const sizes = { maxBindingBytes: 1 << 27, maxBufferBytes: 1 << 30, maxWorkgroupBytes: 16384 };
  const subgroups = { maxInvocations: 256, subgroupMin: 0, subgroupMax: 0 };
  const lists = { features: [], refused: [], choices: [] };
  const adapter = { description: "A card", ...sizes, ...subgroups, ...lists };
  const file = new FakeFile(new Uint8Array(16));
  const ensure = fakePlatform(new FakeCore(), file).ensureFile;
  const platform = {
    ...fakePlatform(new FakeCore(), file),
    startCore: async ({ threads }: { threads?: number | undefined }) => {
      const core = new FakeCore();
      core.before = (method, request) => {
        const { gpu = [] } = request as { gpu?: unknown[] };
        if (options.fail && method === "modelOpen" && gpu.length > 0) {
          throw new HearthError(options.fail, "Not on this card.");
        }
      };
      cores.push({ core, threads });
      return core;
    },
    openGpu: async (asked: GpuWanted) => {
      wanted.push(asked);
      if (options.gpu) throw new HearthError(options.gpu, "No graphics card.");
      return { device, adapter, software: false } as unknown as Gpu;
    },
    // As the hub does for a file that is not there yet.
    ensureFile: (async (store, source, how = {}) => {
      for (let need = 8; need > 0; ) need = (await how.check?.(file.bytes, 16)) ?? 0;
      return ensure(store, source, how);
    }) as typeof ensure,
  };
  const pair = portPair();
  serve(pair.worker, new Host(platform).handlers());
  const app = { spawn: () => pair.app, baseUrl: undefined, resolveWasm: String };
  const open = (device: Device) => openEngine({ model: "fake", device, threads: 3 }, app);
  return { wanted, cores, open, destroyed: () => destroyed };
}

describe("auto", () => {
  it("takes the CPU where there is no GPU, and says why", async () => {
    const { open, wanted, cores } = setUp({ gpu: "unsupported_device" });
    const { info } = await open("auto");
    expect(info).toMatchObject({ device: "wasm", reason: "No graphics card." });
    expect(wanted).toMatchObject([{ software: false }]);
    expect(cores.map(({ threads }) => threads)).toEqual([3]);
  });

  it("takes the CPU for a model that the GPU has no memory for, before the download", async () => {
    const { open, cores, destroyed } = setUp({ fits: false });
    const { info } = await open("auto");
    expect(info).toMatchObject({ device: "wasm", reason: expect.stringContaining("more than") });
    // The core that was to plan for the GPU has no threads.
    expect(cores.map(({ threads }) => threads)).toEqual([1, 3]);
    expect(cores.map(({ core }) => core.closed)).toEqual([true, false]);
    expect(cores[0]?.core.calls).not.toContain("modelOpen");
    expect(destroyed()).toBeGreaterThan(0);
  });

  it.each<ErrorCode>(["unsupported_dtype", "out_of_memory", "gpu_error", "device_lost"])(
    "takes the CPU after %s while loading",
    async (fail) => {
      const { open, cores } = setUp({ fail });
      const { info } = await open("auto");
      expect(info).toMatchObject({ device: "wasm", reason: "Not on this card." });
      expect(info.adapter).toBeUndefined();
      expect(cores.map(({ core }) => core.closed)).toEqual([true, false]);
    },
  );

  it("does not hide what has nothing to do with the device", async () => {
    const { open, cores, destroyed } = setUp({ fail: "tensor_out_of_bounds" });
    await expect(open("auto")).rejects.toMatchObject({ code: "tensor_out_of_bounds" });
    expect(cores.map(({ core }) => core.closed)).toEqual([true]);
    expect(destroyed()).toBe(1);
  });
});

describe("webgpu", () => {
  it.each([
    ["there is none", { gpu: "unsupported_device" }, "unsupported_device"],
    ["it has no memory", { fits: false }, "out_of_memory"],
    ["it fails", { fail: "gpu_error" }, "gpu_error"],
  ] as const)("fails where %s", async (_, options, code) => {
    const { open, wanted, cores } = setUp(options);
    await expect(open("webgpu")).rejects.toMatchObject({ code });
    expect(wanted).toMatchObject([{ software: true }]);
    expect(cores.every(({ core }) => core.closed)).toBe(true);
  });
});

it.each(["wasm", "native"] as const)("%s asks for no GPU", async (device) => {
  const { open, wanted } = setUp();
  expect((await open(device)).info.reason).toBeUndefined();
  expect(wanted).toEqual([]);
});
