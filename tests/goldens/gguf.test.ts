// Every family's GGUF files against PyTorch: the goldens as llama.cpp's converters would write them,
// checked as a user would. Needs the package, the CLI and both builds of the core.

import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenAsGguf } from "../support/golden-gguf.js";
import { decoders, expectPass, goldenFolder } from "../support/hearth-verify.js";

/** tests/goldens/README.md, in 32-bit floats. */
const tolerance = 2e-4;

/** Divisors of the rotation as a tensor: the one thing that only GGUF files have. */
const varied = ["llama-tied-rope-llama3"];

const converted: string[] = [];
let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "hearth-gguf-"));
  for (const name of decoders) {
    const file = goldenAsGguf(goldenFolder(name));
    if (file === undefined) continue;
    await mkdir(join(root, name));
    await writeFile(join(root, name, "model.gguf"), file);
    const golden = "golden.safetensors";
    await copyFile(join(goldenFolder(name), golden), join(root, name, golden));
    converted.push(name);
  }
});
afterAll(() => rm(root, { recursive: true }));

// Tiny models, but the machine may be busy and sanitizers slow: far more than the seconds it takes.
describe.each(["native", "wasm"])("hearth verify on %s", { timeout: 120_000 }, (device) => {
  it("passes the goldens as GGUF files", async () => {
    // One a family at least.
    expect(converted.length).toBeGreaterThanOrEqual(12);
    const folders = converted.map((name) => join(root, name));
    await expectPass(device, folders, tolerance);
  });
});

// Compiling for a software adapter takes some 10 s a model.
describe("hearth verify on webgpu", { timeout: 300_000 }, () => {
  it("passes goldens as GGUF files", async () => {
    const folders = varied.map((name) => join(root, name));
    const plain = ["--gpu-features", "none", "--cache-dir", join(root, "cache")];
    await expectPass("webgpu", folders, tolerance, ...plain);
  });
});
