// The built package with the real core, in real worker threads: needs `make` to have built dist/wasm.
// The model is a golden: two layers of random weights, with PyTorch's outputs.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
// @ts-expect-error a script without types
import { bundle } from "../bundle.mjs";
import type * as hearth from "./node.js";

const model = fileURLToPath(new URL("../../../tests/goldens/llama", import.meta.url));
const wasm = fileURLToPath(new URL("../dist/wasm", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hearth-real-"));
let built: typeof hearth;

// Each engine compiles the core anew: a second on an idle machine, many on a busy one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(async () => {
  await bundle(folder);
  built = await import(pathToFileURL(join(folder, "node.js")).href);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A tensor of the golden's file, which is safetensors: header length, JSON, data. */
function golden(name: string): DataView {
  const bytes = readFileSync(join(model, "golden.safetensors"));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start));
  const [from, to] = header[name].data_offsets;
  return new DataView(bytes.buffer, bytes.byteOffset + start + from, to - from);
}
const integers = (name: string) => {
  const view = golden(name);
  return Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(i * 4, true));
};

/** Largest absolute error over the largest absolute reference value, as the goldens define it. */
function relativeError(values: Float32Array, reference: DataView): number {
  expect(values.length * 4).toBe(reference.byteLength);
  let error = 0;
  let scale = 0;
  for (const [i, value] of values.entries()) {
    const wanted = reference.getFloat32(i * 4, true);
    error = Math.max(error, Math.abs(value - wanted));
    scale = Math.max(scale, Math.abs(wanted));
  }
  return error / scale;
}
/** What the goldens' README allows float32 arithmetic. */
const tolerance = 2e-4;

const open = (options: Partial<hearth.EngineOptions> = {}) =>
  built.createEngine({ model, assets: { wasm }, exact: true, ...options });

describe.each([
  { variant: "simd" as const, threads: 1 },
  { variant: "relaxed" as const, threads: 1 },
  { variant: "relaxed-mt" as const, threads: 2 },
])("the core built as $variant", ({ variant, threads }) => {
  it("gives PyTorch's logits, all at once and token by token", async () => {
    const engine = await open({ variant, threads });
    try {
      expect(engine.info).toMatchObject({ device: "wasm", variant, threads, source: "file" });
      const ids = integers("input_ids");
      const { logits, rows } = await engine.forward(ids, { all: true });
      expect(rows).toBe(ids.length);
      expect(relativeError(logits, golden("logits"))).toBeLessThan(tolerance);
      let last: Float32Array = logits.slice(-engine.info.model.vocabSize);
      for (const wanted of integers("greedy_ids")) {
        const best = last.indexOf(Math.max(...last));
        expect(best).toBe(wanted);
        last = (await engine.forward([best], { reset: false })).logits;
      }
    } finally {
      await engine.close();
    }
  });
});

describe("an engine in a worker thread", () => {
  it("scores as its logits say", async () => {
    const engine = await open();
    const ids = integers("input_ids");
    const scores = await engine.score(ids);
    const reference = golden("logits");
    const { vocabSize } = engine.info.model;
    const row = Array.from({ length: vocabSize }, (_, i) => reference.getFloat32(i * 4, true));
    const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
    expect(scores.length).toBe(ids.length - 1);
    // The log of a sum moves no more than the logits do, which are of size ten here.
    expect(scores[0]).toBeCloseTo((row[ids[1] ?? 0] ?? 0) - Math.log(sum), 2);
    await engine.close();
  });

  it("generates from ids, remembers the prompt, and repeats itself for a seed", async () => {
    const engine = await open();
    const params = { prompt: integers("input_ids"), max_tokens: 5, seed: 3, temperature: 1 };
    const first = await engine.completions.create(params);
    const again = await engine.completions.create(params);
    expect(first.usage).toMatchObject({ prompt_tokens: 24, completion_tokens: 5 });
    expect(first.choices[0]?.finish_reason).toBe("length");
    expect(again.usage?.prompt_tokens_details.cached_tokens).toBeGreaterThan(0);
    await engine.close();
  });

  it("goes on after each error", async () => {
    const engine = await open({ contextLength: 32 });
    const { completions } = engine;
    const prompt = integers("input_ids");
    const fails = async (work: Promise<unknown>, code: string) =>
      expect(work).rejects.toMatchObject({ code });
    await fails(completions.create({ prompt: [] }), "empty_prompt");
    await fails(completions.create({ prompt: [...prompt, ...prompt] }), "context_overflow");
    await fails(engine.forward([200]), "invalid_argument");
    await fails(engine.tokenize("no tokenizer"), "unsupported_tokenizer");
    await fails(
      engine.chat.completions.create({ messages: [{ role: "user", content: "Hi" }] }),
      "missing_chat_template",
    );
    const stream = await completions.create({ prompt, stream: true });
    stream.abort();
    await fails(
      (async () => {
        for await (const _ of stream);
      })(),
      "aborted",
    );
    const { usage } = await completions.create({ prompt, max_tokens: 2 });
    expect(usage?.completion_tokens).toBe(2);
    await engine.close();
    await fails(engine.forward([1]), "invalid_handle");
  });

  it("leaves nothing behind when the model does not fit, or loading is aborted", async () => {
    await expect(open({ memoryLimit: 1000 })).rejects.toMatchObject({ code: "out_of_memory" });
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = ({ phase }: hearth.Progress) => {
      if (phase === "load") controller.abort();
    };
    await expect(open({ signal, onProgress })).rejects.toMatchObject({ code: "aborted" });
    const engine = await open();
    expect((await engine.forward([1])).rows).toBe(1);
    await engine.close();
  });

  it("inspects without weights", async () => {
    const { model: info, files } = await built.inspect(model, { assets: { wasm } });
    expect(info).toMatchObject({ architecture: "llama", layers: 2, vocabSize: 200 });
    expect(files[0]).toMatchObject({ name: "model.safetensors", format: "safetensors" });
    expect(files[0]?.tensors.map((tensor) => tensor.name)).toContain("lm_head.weight");
  });
});
