// The executors against PyTorch, as a user would check them: the built CLI, on the models of the
// families that exist, on each device. Needs the package, the CLI and both builds of the core.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const cli = folder("../../packages/cli/dist/main.js");

const models = [
  "llama",
  "llama-tied-rope-llama3",
  "llama-head-dim-bias",
  "mistral-sliding",
  "qwen2",
  "qwen2-yarn",
  "qwen3",
  "phi3",
  "phi3-longrope",
  "phi3-partial-rotary",
  "smollm3",
  "granite",
  "olmo2",
  "gemma",
  "gemma2",
  "gemma3",
  "stablelm",
];

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
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [cli, ...args]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    // execFile rejects on any exit code but 0, with what was printed.
    const { code, stdout, stderr } = error as Finished;
    return { code, stdout, stderr };
  }
}

// Tiny models, but the machine may be busy and sanitizers slow: far more than the seconds it takes.
const timeout = 120_000;

describe.each(["native", "wasm"])("hearth verify on %s", (device) => {
  it("passes the goldens of the families that exist", { timeout }, async () => {
    const line = ["verify", "--device", device, "--json", ...models.map(folder)];
    const { code, stdout, stderr } = await hearth(...line);
    expect(stderr).toBe("");
    const result = JSON.parse(stdout);
    expect(result.models).toHaveLength(models.length);
    for (const [i, model] of result.models.entries()) {
      expect(model).toMatchObject({ directory: folder(models[i] ?? ""), ok: true, device });
      // An output left out would pass unseen.
      expect(model.outputs.map(({ name }: Output) => name).sort()).toEqual([
        "greedy_ids",
        "logits",
      ]);
      for (const output of model.outputs as Output[]) {
        expect(output.tolerance).toBe(2e-4);
        expect(output.error).toBeLessThanOrEqual(2e-4);
      }
      // Two float programs never agree in every bit of 4,800 sums: zero means nothing was computed.
      const logits = model.outputs.find(({ name }: Output) => name === "logits");
      expect(logits.error).toBeGreaterThan(0);
    }
    expect(code).toBe(0);
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
