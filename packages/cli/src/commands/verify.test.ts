import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HearthError } from "hearth";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { textWidth } from "../terminal.js";
import { fakeHearth, hearth } from "../testing.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "hearth-verify-"));
});
afterEach(() => rm(root, { recursive: true }));

const vocabSize = 4;

// A model: after id n comes n + 1, modulo the vocabulary, with a lead of 1; the scale is 10.
function logitsAfter(id: number): number[] {
  return Array.from({ length: vocabSize }, (_, i) => (i === (id + 1) % vocabSize ? 10 : 9 - i));
}

type Change = (row: number[], position: number) => number[];

/** A model whose logits `change` may alter; `position` counts from the first input id. */
function model(change: Change = (row) => row) {
  let position = 0;
  return fakeHearth({
    logits: (ids, all) => {
      const rows = ids.map((id) => change(logitsAfter(id), position++));
      const kept = all ? rows : rows.slice(-1);
      if (all) position = 0;
      return { rows: kept.length, vocabSize, logits: Float32Array.from(kept.flat()) };
    },
  });
}

const inputIds = [3, 0, 1];
const greedyIds = [2, 3, 0, 1];

type Tensors = Record<string, { dtype: "F32" | "I32"; shape: number[]; data: number[] }>;

const golden: Tensors = {
  input_ids: { dtype: "I32", shape: [1, 3], data: inputIds },
  logits: { dtype: "F32", shape: [1, 3, vocabSize], data: inputIds.flatMap(logitsAfter) },
  greedy_ids: { dtype: "I32", shape: [1, 4], data: greedyIds },
};

async function folder(name: string, tensors: Tensors = golden): Promise<string> {
  const at = join(root, name);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, "config.json"), "{}");
  let offset = 0;
  const header: Record<string, unknown> = {};
  const data: number[] = [];
  for (const [key, tensor] of Object.entries(tensors)) {
    const array = (tensor.dtype === "F32" ? Float32Array : Int32Array).from(tensor.data);
    header[key] = {
      dtype: tensor.dtype,
      shape: tensor.shape,
      data_offsets: [offset, offset + array.byteLength],
    };
    offset += array.byteLength;
    data.push(...new Uint8Array(array.buffer));
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new BigUint64Array([BigInt(json.length)]).buffer);
  await writeFile(join(at, "golden.safetensors"), Uint8Array.from([...length, ...json, ...data]));
  return at;
}

async function verdict(change: Change, tensors?: Tensors) {
  const at = await folder("m", tensors);
  const { code, stdout } = await hearth(["verify", at, "--json"], { hearth: model(change).hearth });
  const [result] = JSON.parse(stdout).models;
  return { code, ...result };
}

describe("hearth verify", () => {
  it("passes a model that gives the reference's outputs, with float kernels and a cache", async () => {
    const at = await folder("m");
    const { hearth: api, calls } = model();
    const { code, stdout, stderr } = await hearth(["verify", at], { hearth: api, columns: 100 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "model  output        error  tolerance",
      "m      logits      0.00e+0       2e-4  ok",
      "m      greedy_ids  0.00e+0       2e-4  ok: 4 of 4 ids",
      "",
      "1 model on wasm: all ok",
      "",
    ]);
    expect(calls.opened[0]).toMatchObject({ model: at, exact: true });
    expect(calls.forwards).toEqual([
      { ids: inputIds, all: true, reset: true },
      { ids: inputIds, all: false, reset: true },
      { ids: [2], all: false, reset: false },
      { ids: [3], all: false, reset: false },
      { ids: [0], all: false, reset: false },
    ]);
    expect(calls.closed).toBe(1);
  });

  it("fits 40 columns", async () => {
    const at = await folder("m");
    const { stdout } = await hearth(["verify", at], { hearth: model().hearth, columns: 40 });
    expect(stdout).toMatchInlineSnapshot(`
      "model      m
      output     logits
      error      0.00e+0
      tolerance  2e-4
                 ok

      model      m
      output     greedy_ids
      error      0.00e+0
      tolerance  2e-4
                 ok: 4 of 4 ids

      1 model on wasm: all ok
      "
    `);
    for (const line of stdout.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(40);
  });

  it("divides the error by the scale, and takes the tolerance from the command line", async () => {
    // 0.003 of 10 is 3e-4: past 2e-4, within 5e-4.
    const change: Change = (row, position) => (position === 1 ? row.map((x) => x + 0.003) : row);
    const result = await verdict(change);
    expect(result.code).toBe(1);
    expect(result.outputs[0]).toMatchObject({ name: "logits", ok: false, tolerance: 2e-4 });
    expect(result.outputs[0].error).toBeCloseTo(3e-4, 6);
    expect(result.outputs[1].ok).toBe(true);
    const at = await folder("m");
    const looser = ["verify", at, "--tolerance", "5e-4"];
    expect((await hearth(looser, { hearth: model(change).hearth })).code).toBe(0);
  });

  it("runs the kernels of other commands if told to, within the tolerance of 16 bits", async () => {
    // 0.04 of 10 is 4e-3: past 2e-4, within 5e-3.
    const { hearth: api, calls } = model((row) => row.map((x) => x + 0.04));
    const line = ["verify", await folder("m"), "--inexact", "--gpu-features", "subgroups, dot8"];
    expect((await hearth([...line, "--json"], { hearth: api })).code).toBe(0);
    const gpu = { features: ["subgroups", "dot8"] };
    expect(calls.opened[0]).toMatchObject({ exact: false, gpu });
    const none = ["verify", await folder("m"), "--gpu-features", "none"];
    expect((await hearth(none, { hearth: api })).code).toBe(1);
    expect(calls.opened[1]).toMatchObject({ exact: true, gpu: { features: [] } });
  });

  it("fails a NaN, a wrong infinity and a wrong shape", async () => {
    const nan = await verdict((row, position) =>
      position === 0 ? [Number.NaN, ...row.slice(1)] : row,
    );
    expect({ code: nan.code, ok: nan.outputs[0].ok }).toEqual({ code: 1, ok: false });
    const infinite = await verdict((row) =>
      row.map((x) => (x === 9 ? Number.NEGATIVE_INFINITY : x)),
    );
    expect({ code: infinite.code, ok: infinite.outputs[0].ok }).toEqual({ code: 1, ok: false });
    const logits = { ...golden.logits, shape: [1, 4, 3] };
    const turned = await verdict((row) => row, { ...golden, logits } as Tensors);
    expect(turned.outputs[0]).toMatchObject({
      ok: false,
      note: "the shape is (1, 3, 4), not (1, 4, 3)",
    });
  });

  it("passes -inf where the reference has it", async () => {
    const masked = (row: number[]) => row.map((x) => (x === 6 ? Number.NEGATIVE_INFINITY : x));
    const logits = { ...golden.logits, data: inputIds.flatMap((id) => masked(logitsAfter(id))) };
    const tensors = { ...golden, logits } as Tensors;
    expect((await verdict(masked, tensors)).code).toBe(0);
    expect((await verdict((row) => row, tensors)).code).toBe(1);
  });

  it("fails greedy ids that differ, and a NaN in place of them", async () => {
    // Position 3 is the second id generated.
    const second = (change: (row: number[]) => number[]) =>
      verdict((row, position) => (position === 3 ? change(row) : row));
    const other = await second((row) => [...row].reverse());
    expect(other.code).toBe(1);
    expect(other.outputs[0].ok).toBe(true);
    expect(other.outputs[1]).toMatchObject({ ok: false, note: "id 2 of 4 is 0, not 3" });
    const nan = await second((row) => row.map(() => Number.NaN));
    expect(nan.code).toBe(1);
    expect(nan.outputs[1].ok).toBe(false);
  });

  it("lets greedy ids part at a near tie, and only there", async () => {
    // Id 0 wins over id 3, which has 10, by a lead over the scale of about 10.
    const lead = (by: number) => (row: number[], position: number) =>
      position === 3 ? [10 + by, ...row.slice(1)] : row;
    const near = await verdict(lead(0.001));
    expect(near.code).toBe(0);
    expect(near.outputs[1]).toMatchObject({ ok: true, note: "1 of 4 ids, then a near tie" });
    expect((await verdict(lead(0.003))).code).toBe(1);
  });

  it("takes the near tie of the first id from the reference, not from the model", async () => {
    // The model calls its wrong id a near tie; PyTorch had a lead of 1 there.
    const forged = await verdict((row, position) =>
      position === 2 ? [10.001, row[1] ?? 0, 10, row[3] ?? 0] : row,
    );
    expect(forged.outputs[1]).toMatchObject({ ok: false, note: "id 1 of 4 is 0, not 2" });
  });

  it("shows what does not run with its code, and goes on", async () => {
    await folder("a");
    await folder("b/nested");
    await folder("c", { ...golden, attention_mask: { dtype: "I32", shape: [1, 1], data: [1] } });
    await folder("d", { logits: golden.logits as Tensors[string] });
    await mkdir(join(root, "no-model"));
    const good = model();
    const api = {
      createEngine: async (
        options: Parameters<NonNullable<typeof good.hearth.createEngine>>[0],
      ) => {
        if (String(options.model).endsWith("a")) {
          throw new HearthError("unsupported_architecture", "No such family.", { subject: "bert" });
        }
        return (await good.hearth.createEngine?.(options)) as never;
      },
    };
    const { code, stdout } = await hearth(["verify", root, "--json"], { hearth: api });
    expect(code).toBe(1);
    const { ok, models } = JSON.parse(stdout);
    expect(ok).toBe(false);
    expect(models).toMatchObject([
      { ok: false, error: { code: "unsupported_architecture", subject: "bert" } },
      { ok: true, directory: join(root, "b", "nested") },
      { ok: false, error: { code: "unsupported_config", subject: "attention_mask" } },
      { ok: false, error: { code: "missing_tensor", subject: "golden.safetensors" } },
    ]);
    const table = await hearth(["verify", root], { hearth: api, columns: 100 });
    expect(table.stdout).toContain("a: No such family. (unsupported_architecture, bert)\n");
    expect(table.stdout).toContain("\n4 models on wasm: 1 ok, 3 FAIL\n");
  });

  it("refuses no folder, a missing one, one without goldens, and a damaged golden", async () => {
    expect((await hearth(["verify"])).code).toBe(2);
    const missing = await hearth(["verify", join(root, "nowhere")]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("There is no such folder. (invalid_argument, ");
    const empty = await hearth(["verify", root]);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain("(not_found, ");
    const at = await folder("m");
    await writeFile(join(at, "golden.safetensors"), "short");
    const damaged = await hearth(["verify", at], { hearth: model().hearth });
    expect(damaged.code).toBe(1);
    expect(damaged.stdout).toContain("(truncated_header, golden.safetensors)");
    const file = await hearth(["verify", join(at, "config.json")]);
    expect(file.stderr).toContain("This is a file, not a folder.");
  });
});
