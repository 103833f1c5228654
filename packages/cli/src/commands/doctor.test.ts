import type { DiagnoseOptions, Diagnosis } from "hearth";
import { describe, expect, it } from "vitest";
import { hearth } from "../testing.js";

const healthy: Diagnosis = {
  version: "0.1.0",
  wasm: { simd: true, relaxedSimd: true, threads: false, memoryBytes: 2 ** 32 },
  storage: { kind: "disk", bytes: 98_405_952, available: 5e9 },
  adapter: {
    description: "nvidia ampere NVIDIA A10",
    features: ["subgroups", "shader-f16", "dot8"],
    software: false,
    vendor: "nvidia",
    architecture: "ampere",
    device: "",
    has: { subgroups: true, "shader-f16": true, "timestamp-query": true },
    limits: {
      maxBufferSize: 2 ** 32,
      maxStorageBufferBindingSize: 2 ** 31,
      maxComputeInvocationsPerWorkgroup: 1024,
      maxComputeWorkgroupStorageSize: 49_152,
    },
    subgroupMin: 32,
    subgroupMax: 32,
    matrices: [{ component: "f16", result: "f32", m: 16, n: 16, k: 16 }],
  },
  bandwidth: 520e9,
  kernels: [
    {
      name: "matvec.q4.subgroups",
      ok: true,
      error: 4.4e-4,
      tolerance: 5e-3,
      bytesPerSecond: 431e9,
    },
    { name: "matmul.q4.subgroup-matrix", ok: true, error: 9e-4, tolerance: 5e-3, flops: 61e12 },
    { name: "take_rows.plain", ok: true, error: 0, tolerance: 0 },
  ],
};
const sick: Diagnosis = {
  ...healthy,
  kernels: [
    { name: "matvec.q4.subgroups", ok: false, error: 0.75, tolerance: 5e-3 },
    {
      ...{ name: "add.plain", ok: false, error: 0, tolerance: 0 },
      failure: "The GPU was lost: it \x1b[31mhung.",
    },
    { name: "take_rows.plain", ok: true, error: 0, tolerance: 0 },
  ],
};

function fake(diagnosis: Diagnosis) {
  const asked: DiagnoseOptions[] = [];
  const diagnose = async (options: DiagnoseOptions = {}) => {
    asked.push(options);
    options.onProgress?.({ phase: "check", kernel: "add.plain", done: 1, total: 3 });
    options.onProgress?.({ phase: "time", kernel: "", done: 0, total: 1 });
    return diagnosis;
  };
  return { asked, hearth: { diagnose } };
}

describe("hearth doctor", () => {
  it("prints what there is and how kernels did, in 80 columns", async () => {
    const { code, stdout, stderr } = await hearth(["doctor"], fake(healthy));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatchInlineSnapshot(`
      "Hearth 0.1.0

      wasm SIMD          yes
      wasm relaxed SIMD  yes
      wasm threads       no
      wasm memory        up to 4.29 GB
      store              disk, 98.4 MB in use, 5.00 GB left

      GPU               nvidia ampere NVIDIA A10
      vendor            nvidia
      architecture      ampere
      in software       no
      subgroups         yes
      shader-f16        yes
      timestamp-query   yes
      dot8              yes
      largest buffer    4.29 GB
      largest binding   2.15 GB
      invocations       1,024
      workgroup memory  49.2 kB
      subgroups of      32
      matrices          f16 to f32 16×16×16
      bandwidth         520 GB/s, reading

      kernel                          error      of         speed
      matvec.q4.subgroups        ok  4.4e-4  5.0e-3      431 GB/s
      matmul.q4.subgroup-matrix  ok  9.0e-4  5.0e-3  61.0 TFLOP/s
      take_rows.plain            ok       0       0

      All 3 kernels compute what the CPU does.
      "
    `);
  });

  it("exits with 1 for a kernel that is wrong, in 40 columns too", async () => {
    const { code, stdout } = await hearth(["doctor"], { ...fake(sick), columns: 40 });
    expect(code).toBe(1);
    expect(stdout).toMatchInlineSnapshot(`
      "Hearth 0.1.0

      wasm SIMD          yes
      wasm relaxed SIMD  yes
      wasm threads       no
      wasm memory        up to 4.29 GB
      store              disk, 98.4 MB in use,
                         5.00 GB left

      GPU               nvidia ampere NVIDIA
                        A10
      vendor            nvidia
      architecture      ampere
      in software       no
      subgroups         yes
      shader-f16        yes
      timestamp-query   yes
      dot8              yes
      largest buffer    4.29 GB
      largest binding   2.15 GB
      invocations       1,024
      workgroup memory  49.2 kB
      subgroups of      32
      matrices          f16 to f32 16×16×16
      bandwidth         520 GB/s, reading

      kernel                       error
      matvec.q4.subgroups  WRONG  7.5e-1
      add.plain            WRONG
      take_rows.plain      ok          0

      add.plain: The GPU was lost: it
      \\u{1b}[31mhung.
      2 of 3 kernels are wrong here, and are
      done without.
      "
    `);
    expect(Math.max(...stdout.split("\n").map((each) => each.length))).toBeLessThanOrEqual(40);
  });

  it("says why there is no GPU, which is no failure", async () => {
    const { adapter: _, bandwidth: __, ...rest } = healthy;
    const none = { ...rest, reason: "There is no WebGPU here.", kernels: [] };
    const { code, stdout } = await hearth(["doctor"], fake(none));
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n\nThere is no WebGPU here\. Models run on the CPU\.\n$/);
  });

  it("prints everything as JSON, and hands its options on", async () => {
    const { asked, hearth: api } = fake(sick);
    const args = ["doctor", "--json", "--forget", "--cache-dir", "d"];
    const { code, stdout } = await hearth(args, { hearth: api });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual(sick);
    expect(asked[0]).toMatchObject({ forget: true, cacheDir: "d" });
  });

  it("says what it is doing in a terminal, and clears the line", async () => {
    const { stderr } = await hearth(["doctor"], { ...fake(healthy), isTTY: true });
    expect(stderr).toBe("\rchecking 2/3: add.plain\x1b[K\rtiming kernels\x1b[K\r\x1b[K");
  });

  it("takes no arguments", async () => {
    expect((await hearth(["doctor", "me"])).code).toBe(2);
  });
});
