import type { BenchmarkOptions, BenchmarkResult, KernelTime } from "hearth";
import { HearthError } from "hearth";
import { describe, expect, it } from "vitest";
import { hearth, modelInfo } from "./testing.js";

function kernel(node: string, name: string, share: number, bytes = 0): KernelTime {
  return { node, kernel: name, dispatches: 32, seconds: share / 250, share, bytes };
}

const result: BenchmarkResult = {
  version: "0.1.0",
  shape: "llama-3.1-8b",
  adapter: { description: "nvidia ampere NVIDIA A10", features: [], software: false },
  refused: [],
  model: { ...modelInfo, layers: 32 },
  loadSeconds: 12.3,
  bandwidth: { bytesPerSecond: 520e9, samples: [510e9, 520e9, 530e9], bytes: 268_435_456 },
  dispatches: 229,
  dispatchesPerLayer: 7,
  weightBytes: 4_220_000_000,
  prefill: {
    tokens: 512,
    seconds: [0.26, 0.25, 0.27],
    medianSeconds: 0.26,
    tokensPerSecond: 1969.2,
    kernels: [
      kernel("gate+up", "matmul.q4.subgroup-matrix", 0.7, 2.5e9),
      kernel("attention", "attention.f16", 0.3),
    ],
  },
  decode: [0, 16384].map((context) => ({
    context,
    tokens: 64,
    seconds: [0.66, 0.64, 0.65],
    medianSeconds: 0.65,
    tokensPerSecond: 98.5,
    bytesPerToken: 4_220_000_000 + context * 131_072,
    bandwidthShare: 0.8,
    milliseconds: { core: 0.04, encode: 0.31, submit: 0.05, wait: 9.75 },
    kernels: [
      kernel("gate+up", "matvec.q4.subgroups", 0.56, 2.5e9),
      kernel("attention", "attention_split.f16", 0.04),
    ],
  })),
};

function fake(own: Partial<BenchmarkResult> = {}) {
  const asked: BenchmarkOptions[] = [];
  const benchmark = async (options: BenchmarkOptions) => {
    asked.push(options);
    options.onProgress?.({ phase: "load", context: 0, done: 1, total: 3 });
    options.onProgress?.({ phase: "decode", context: 16384, done: 0, total: 4 });
    return { ...result, ...own };
  };
  return { asked, hearth: { benchmark } };
}

const line = ["bench", "--shape", "llama-3.1-8b"];

describe("hearth bench --shape", () => {
  it("prints figures, a token's times and kernels in 80 columns", async () => {
    const { code, stdout, stderr } = await hearth(line, { hearth: fake().hearth });
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatchInlineSnapshot(`
      "llama-3.1-8b on nvidia ampere NVIDIA A10

      weights     4.22 GB a token, made up
      bandwidth   520 GB/s, reading
      dispatches  7.0 a layer, 229 a token
      layers      32
      loading     12.3 s

      test     tokens  tokens/s  a token  of memory
      prefill     512    1969.2
      decode        0      98.5  4.22 GB       80 %
      decode   16,384      98.5  6.37 GB       80 %

      context   core  encode  submit     wait    token
            0  40 µs  310 µs   50 µs  9.75 ms  10.2 ms
       16,384  40 µs  310 µs   50 µs  9.75 ms  10.2 ms

      of         kernel                     prefill   at 0  at 16,384  GB/s
      gate+up    matvec.q4.subgroups                  56 %       56 %  1116
      attention  attention_split.f16                 4.0 %      4.0 %
      gate+up    matmul.q4.subgroup-matrix     70 %
      attention  attention.f16                 30 %
      "
    `);
  });

  it("prints the same in 40 columns", async () => {
    const { stdout } = await hearth(line, { hearth: fake().hearth, columns: 40 });
    expect(stdout).toMatchInlineSnapshot(`
      "llama-3.1-8b on nvidia ampere NVIDIA A10

      weights     4.22 GB a token, made up
      bandwidth   520 GB/s, reading
      dispatches  7.0 a layer, 229 a token
      layers      32
      loading     12.3 s

      test     tokens  tokens/s  of memory
      prefill     512    1969.2
      decode        0      98.5       80 %
      decode   16,384      98.5       80 %

      context   core  encode  submit     wait
            0  40 µs  310 µs   50 µs  9.75 ms
       16,384  40 µs  310 µs   50 µs  9.75 ms

      kernel
        prefill   at 0  at 16,384
      gate+up matvec.q4.subgroups
                  56 %       56 %
      attention attention_split.f16
                 4.0 %      4.0 %
      gate+up matmul.q4.subgroup-matrix
           70 %
      attention attention.f16
           30 %
      "
    `);
    expect(Math.max(...stdout.split("\n").map((each) => each.length))).toBeLessThanOrEqual(40);
  });

  it("hands its options on, and prints every sample as JSON", async () => {
    const { asked, hearth: api } = fake();
    const options = ["--context", "0,16384", "--prefill", "128", "--tokens", "8", "--repeat", "2"];
    const more = ["--batch", "256", "--software", "--cache-dir", "d", "--json"];
    const { stdout } = await hearth([...line, ...options, ...more], { hearth: api });
    expect(JSON.parse(stdout)).toEqual(result);
    expect(asked[0]).toMatchObject({
      ...{ shape: "llama-3.1-8b", contexts: [0, 16384], prefill: 128, tokens: 8, repeat: 2 },
      ...{ maxBatch: 256, software: true, cacheDir: "d" },
    });
  });

  it("says what it is doing in a terminal, and clears the line", async () => {
    const { stderr } = await hearth(line, { hearth: fake().hearth, isTTY: true });
    expect(stderr).toBe("\rmaking weights up: 33%\x1b[K\rdecode at 16,384: 1/4\x1b[K\r\x1b[K");
  });

  it("says so when there are no timestamps, and when kernels were wrong", async () => {
    const kernels: KernelTime[] = [];
    const { stdout } = await hearth(line, {
      hearth: fake({
        refused: ["matvec.q4.subgroups"],
        prefill: { ...result.prefill, kernels },
        decode: result.decode.map((each) => ({ ...each, kernels })),
      }).hearth,
    });
    expect(stdout).toContain("wrong here  matvec.q4.subgroups");
    expect(stdout).toContain("The GPU takes no timestamps");
  });

  it("refuses what means nothing beside it, or without it", async () => {
    for (const args of [
      [...line, "model"],
      [...line, "--exact"],
      [...line, "--threads", "2"],
      [...line, "--device", "wasm"],
      [...line, "--context", "many"],
      ["bench", "--software"],
      ["bench", "--batch", "2"],
    ]) {
      expect((await hearth(args)).code).toBe(2);
    }
  });

  it("fails with the engine's sentence", async () => {
    const benchmark = async () => {
      throw new HearthError("unsupported_device", "There is no WebGPU here.", {
        subject: "webgpu",
      });
    };
    const { code, stderr } = await hearth(line, { hearth: { benchmark } });
    expect([code, stderr]).toEqual([
      1,
      "hearth: There is no WebGPU here. (unsupported_device, webgpu)\n",
    ]);
  });
});
