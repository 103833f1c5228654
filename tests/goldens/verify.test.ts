// The executors against PyTorch, as a user would check them: the built CLI, on every decoder
// that this folder has, on each device. Needs the package, the CLI and both builds of the core.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decoders, expectPass, goldenFolder, hearth } from "../support/hearth-verify.js";

// README.md: in 32-bit floats, and where some are of 16 bits.
const exactTolerance = 2e-4;
const inexactTolerance = 5e-3;

// Tiny models, but the machine may be busy and sanitizers slow: far more than the seconds it takes.
const timeout = 120_000;

describe.each(["native", "wasm"])("hearth verify on %s", (device) => {
  it("passes every golden of a decoder", { timeout }, async () => {
    await expectPass(device, decoders.map(goldenFolder), exactTolerance);
  });

  it("fails a tolerance that no other order of sums can meet", { timeout }, async () => {
    const line = ["verify", "--device", device, "--tolerance", "1e-12", goldenFolder("llama")];
    const { code, stdout } = await hearth(...line);
    expect(stdout).toContain("FAIL");
    expect(code).toBe(1);
  });

  it("says of a family that is not there that it is not", { timeout }, async () => {
    const { code, stdout } = await hearth("verify", "--device", device, goldenFolder("bert"));
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
    const rest = decoders.filter((name) => !varied.includes(name)).map(goldenFolder);
    const plain = ["--gpu-features", "none", "--cache-dir", cacheDir];
    await expectPass("webgpu", rest, exactTolerance, ...plain);
  });

  it("passes goldens with all that this one can do", { timeout }, async () => {
    await expectPass("webgpu", varied.map(goldenFolder), exactTolerance, "--cache-dir", cacheDir);
  });

  it("passes with keys and values of 16 bits", { timeout }, async () => {
    const inexact = ["--inexact", "--gpu-features", "none", "--cache-dir", cacheDir];
    await expectPass("webgpu", [goldenFolder("llama")], inexactTolerance, ...inexact);
  });

  it("says of a family that is not there that it is not", { timeout }, async () => {
    const { code, stdout } = await hearth("verify", "--device", "webgpu", goldenFolder("bert"));
    expect(stdout).toContain("FAIL: unsupported_architecture");
    expect(code).toBe(1);
  });
});
