// `hearth verify` as a user runs it, and which goldens it is for.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { readSafetensors } from "../../packages/cli/src/safetensors.js";
import { gpuEnvironment } from "./gpu.js";

const cli = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const root = fileURLToPath(new URL("../goldens/", import.meta.url));

export const goldenFolder = (name: string): string => join(root, name);

/** Whether a golden is of a model that continues a text: tells by what goes in and comes out. */
function isDecoder(name: string): boolean {
  const file = join(goldenFolder(name), "golden.safetensors");
  if (!existsSync(file)) return false;
  const tensors = readSafetensors(readFileSync(file), name);
  const has = (tensor: string) => tensors.has(tensor);
  return has("logits") && has("greedy_ids") && !has("decoder_input_ids");
}

/** Every decoder that is there, of whatever family, with matrices packed or not. */
export const decoders: readonly string[] = readdirSync(root).sort().filter(isDecoder);

interface Output {
  name: string;
  ok: boolean;
  error: number;
  tolerance: number;
  note: string;
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the built CLI. */
export async function hearth(...args: string[]): Promise<Finished> {
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
export async function expectPass(
  device: string,
  folders: readonly string[],
  tolerance: number,
  ...args: string[]
): Promise<void> {
  const line = ["verify", "--device", device, "--json", ...args, ...folders];
  const { code, stdout, stderr } = await hearth(...line);
  expect(stderr).toBe("");
  const result = JSON.parse(stdout);
  expect(result.models).toHaveLength(folders.length);
  for (const [i, model] of result.models.entries()) {
    expect(model).toMatchObject({ directory: folders[i], ok: true, device });
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
