// The executors against PyTorch, as a user would check them: the built CLI, on the models of the
// families that exist, on each device. Needs the package, the CLI and both builds of the core.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decoders } from "../support/decoders.js";
import { gpuEnvironment } from "../support/gpu.js";

const folder = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const cli = folder("../../packages/cli/dist/main.js");

// README.md: in 32-bit floats, and where some are of 16 bits.
const exactTolerance = 2e-4;
const inexactTolerance = 5e-3;

interface Output {
  name: string;
  ok: boolean;
  error: number;
  tolerance: number;
  note: string;
}

interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

async function hearth(...args: string[]): Promise<Finished> {
  const options = { env: gpuEnvironment() };
  try {
    const line = [cli, ...args];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, line, options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    // execFile rejects on any exit code but 0, with what was printed.
    const { code, stdout, stderr } = error as Finished;
    return { code, stdout, stderr };
  }
}

/** Runs the models through the CLI in one process, and expects of each what a pass is. */
async function expectPass(
  device: string,
  names: readonly string[],
  tolerance: number,
  ...args: string[]
): Promise<void> {
  const line = ["verify", "--device", device, "--json", ...args, ...names.map(folder)];
  const { code, stdout, stderr } = await hearth(...line);
  expect(stderr).toBe("");
  const result = JSON.parse(stdout);
  expect(result.models).toHaveLength(names.length);
  for (const [i, model] of result.models.entries()) {
    expect(model).toMatchObject({ directory: folder(names[i] ?? ""), ok: true, device });
    // An output left out would pass unseen.
    expect(model.outputs.map(({ name }: Output) => name).sort()).toEqual(["greedy_ids", "logits"]);
    for (const output of model.outputs as Output[]) {
      expect(output.tolerance).toBe(tolerance);
      expect(output.error).toBeLessThanOrEqual(tolerance);
    }
    // Two float programs never agree in every bit of 4,800 sums: zero means nothing was computed.
    const logits = model.outputs.find(({ name }: Output) => name === "logits");
    expect(logits.error).toBeGreaterThan(0);
  }
  expect(code).toBe(0);
}

// Tiny models, but the machine may be busy and sanitizers slow: far more than the seconds it takes.
const timeout = 120_000;

describe.each(["native", "wasm"])("hearth verify on %s", (device) => {
  it("passes the goldens of the families that exist", { timeout }, async () => {
    await expectPass(device, decoders, exactTolerance);
  });

  it("fails a tolerance that no other order of sums can meet", { timeout }, async () => {
    const line = ["verify", "--device", device, "--tolerance", "1e-12", folder("llama")];
    const { code, stdout } = await hearth(...line);
    expect(stdout).toContain("FAIL");
    expect(code).toBe(1);
  });

  it("says of a family that is not there that it is not", { timeout }, async () => {
    const { code, stdout } = await hearth("verify", "--device", device, folder("bert"));
    expect(stdout).toContain("FAIL: unsupported_architecture");
    expect(code).toBe(1);
  });
});

describe("hearth verify on webgpu", () => {
  // Compiling for a software adapter takes some 10 s a model on two cores, and it may have to share
  // them.
  const timeout = 900_000;
  /** A norm on queries and keys, sliding windows, and neither: with every kernel they choose from. */
  const varied = ["llama", "qwen3", "gemma3"];
  let cacheDir: string;
  // Empty, so that kernels are checked here; shared, so that each is checked once.
  beforeAll(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), "hearth-verify-"));
  });
  afterAll(() => rm(cacheDir, { recursive: true }));

  it("passes the goldens with kernels that run on every GPU", { timeout }, async () => {
    const rest = decoders.filter((name) => !varied.includes(name));
    const plain = ["--gpu-features", "none", "--cache-dir", cacheDir];
    await expectPass("webgpu", rest, exactTolerance, ...plain);
  });

  it("passes goldens with all that this one can do", { timeout }, async () => {
    await expectPass("webgpu", varied, exactTolerance, "--cache-dir", cacheDir);
  });

  it("passes with keys and values of 16 bits", { timeout }, async () => {
    const inexact = ["--inexact", "--gpu-features", "none", "--cache-dir", cacheDir];
    await expectPass("webgpu", ["llama"], inexactTolerance, ...inexact);
  });

  it("says of a family that is not there that it is not", { timeout }, async () => {
    const { code, stdout } = await hearth("verify", "--device", "webgpu", folder("bert"));
    expect(stdout).toContain("FAIL: unsupported_architecture");
    expect(code).toBe(1);
  });
});
