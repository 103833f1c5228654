// Finding a GPU, with adapters made up.

import { describe, expect, it } from "vitest";
import { type GpuProvider, isSoftware, openGpu } from "./adapter.js";

const limits = {
  maxBufferSize: 1 << 30,
  maxStorageBufferBindingSize: 1 << 29,
  maxStorageBuffersPerShaderStage: 16,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupSizeY: 1024,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupStorageSize: 49152,
};
const tile = { componentType: "f16", resultComponentType: "f32", M: 16, N: 8, K: 16 };
const card = {
  vendor: "nvidia",
  architecture: "ada",
  device: "",
  description: "A card",
  isFallbackAdapter: false,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  subgroupMatrixConfigs: [tile],
};
const rasterizer = { ...card, architecture: "swiftshader", isFallbackAdapter: true };

/** A provider whose requests are answered in turn. */
function provider(
  answers: ("card" | "software" | null)[],
  features = ["subgroups", "shader-f16", "float32-blendable"],
) {
  const asked: { options?: unknown; descriptor?: GPUDeviceDescriptor } = {};
  let destroyed = 0;
  let requests = 0;
  const gpu = {
    wgslLanguageFeatures: new Set(["packed_4x8_integer_dot_product"]),
    requestAdapter: async (options: unknown) => {
      asked.options = options;
      const answer = answers[requests++];
      if (!answer) return null;
      return {
        info: answer === "card" ? card : rasterizer,
        features: new Set(features),
        limits,
        requestDevice: async (descriptor: GPUDeviceDescriptor) => {
          asked.descriptor = descriptor;
          return {
            features: new Set(descriptor.requiredFeatures),
            limits: descriptor.requiredLimits,
            lost: new Promise(() => {}),
            destroy: () => destroyed++,
          };
        },
      };
    },
  };
  const source: GpuProvider = { gpu: () => gpu as unknown as GPU, retryAfter: 1 };
  return { source, asked, requests: () => requests, destroyed: () => destroyed };
}

describe("openGpu", () => {
  it("asks for the fast adapter and all that it can do", async () => {
    const { source, asked, requests } = provider(["card"]);
    const { adapter, software } = await openGpu(source, { software: false });
    expect(asked.options).toEqual({ powerPreference: "high-performance" });
    expect(asked.descriptor?.requiredFeatures).toEqual(["subgroups", "shader-f16"]);
    expect(asked.descriptor?.requiredLimits).toEqual(limits);
    expect(requests()).toBe(1);
    expect(software).toBe(false);
    expect(adapter).toMatchObject({
      description: "nvidia ada A card",
      features: ["subgroups", "shader-f16", "dot8"],
      maxBindingBytes: 1 << 29,
      maxBufferBytes: 1 << 30,
      maxInvocations: 1024,
      maxWorkgroupBytes: 49152,
      subgroupMin: 32,
      subgroupMax: 32,
    });
  });

  it("asks a second time after null, and gives up after that", async () => {
    const late = provider([null, "card"]);
    await openGpu(late.source, { software: false });
    const never = provider([null, null, "card"]);
    await expect(openGpu(never.source, { software: false })).rejects.toMatchObject({
      code: "unsupported_device",
      message: "No graphics card is available to WebGPU.",
    });
    expect([late.requests(), never.requests()]).toEqual([2, 2]);
    const none: GpuProvider = { gpu: () => undefined, retryAfter: 1 };
    await expect(openGpu(none, { software: true })).rejects.toMatchObject({
      code: "unsupported_device",
    });
  });

  it("takes an adapter in software only where that will do", async () => {
    const open = (software: boolean) => openGpu(provider(["software"]).source, { software });
    await expect(open(false)).rejects.toMatchObject({
      code: "unsupported_device",
      message: expect.stringContaining("in software"),
    });
    expect((await open(true)).software).toBe(true);
  });

  it("reports subgroup matrices of halves in tiles that the kernels use", async () => {
    const features = ["chromium-experimental-subgroup-matrix"];
    const { source } = provider(["card"], features);
    expect((await openGpu(source, { software: false })).adapter.features).toContain(
      "subgroup-matrix",
    );
    for (const wrong of [{ componentType: "f32" }, { resultComponentType: "f16" }, { M: 8 }]) {
      card.subgroupMatrixConfigs = [{ ...tile, ...wrong }];
      const opened = await openGpu(provider(["card"], features).source, { software: false });
      expect(opened.adapter.features).not.toContain("subgroup-matrix");
    }
    card.subgroupMatrixConfigs = [tile];
  });

  it("restricts what the core is told", async () => {
    const restricted = { software: false, features: ["dot8"], maxBindingBytes: 1 << 20 };
    const { adapter } = await openGpu(provider(["card"]).source, restricted);
    expect(adapter).toMatchObject({ features: ["dot8"], maxBindingBytes: 1 << 20 });
  });

  it("leaves no device behind when aborted", async () => {
    const before = provider(["card"]);
    const wanted = { software: false };
    const at = openGpu(before.source, wanted, AbortSignal.abort());
    await expect(at).rejects.toMatchObject({ code: "aborted" });
    expect(before.requests()).toBe(0);

    const during = provider(["card"]);
    const controller = new AbortController();
    const opening = openGpu(during.source, wanted, controller.signal);
    // The adapter's answer and the device's come in later turns.
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => controller.abort())));
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
    const devices = during.asked.descriptor ? 1 : 0;
    expect(during.destroyed()).toBe(devices);
  });
});

it.each([
  ["swiftshader", { architecture: "swiftshader" }, true],
  ["llvmpipe", { description: "llvmpipe (LLVM 19.1.7, 256 bits)" }, true],
  ["Windows' rasterizer", { description: "Microsoft Basic Render Driver" }, true],
  ["what says so itself", { isFallbackAdapter: true, description: "new" }, true],
  ["a card", { architecture: "ada", description: "NVIDIA RTX 4090" }, false],
  ["a card that says little", {}, false],
])("tells whether %s is software", (_, info, software) => {
  expect(isSoftware(info)).toBe(software);
});
