import { describe, expect, it } from "vitest";
import { textWidth } from "../terminal.js";
import { hearth, inspection } from "../testing.js";

const api = { inspect: async () => inspection };

describe("hearth inspect", () => {
  it("prints the facts in 100 columns", async () => {
    const { code, stdout } = await hearth(["inspect", "m"], { hearth: api, columns: 100 });
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "name        SmolLM2 135M Instruct
      family      llama
      licence     apache-2.0
      parameters  135 M (134,515,008)
      layers      30 of width 576
      heads       9, 3 for keys and values, of width 64
      vocabulary  49,152
      context     8,192 tokens, 4,096 used
      formats     Q4_1: 210 in 66.4 MB; Q8_0: 1 in 30.1 MB; F32: 61 in 141 kB
      memory      147 MB: weights 96.6 MB, keys and values 47.2 MB, working space 3.15 MB
      download    98.4 MB
      file        SmolLM2-135M-Instruct.Q4_1.gguf (gguf, 98.4 MB)

      Memory by context and device
      context  CPU (WebAssembly)  GPU (WebGPU)
        4,096             147 MB        127 MB
        8,192             194 MB             –
      "
    `);
  });

  it("says how a checkpoint is quantized", async () => {
    const model = { ...inspection.model, quantization: "GPTQ 4-bit, groups of 128" };
    const quantized = { inspect: async () => ({ ...inspection, model }) };
    const { stdout } = await hearth(["inspect", "m"], { hearth: quantized, columns: 100 });
    expect(stdout).toMatch(/^quantization +GPTQ 4-bit, groups of 128$/m);
  });

  it("prints the facts and the tables in 40 columns", async () => {
    const line = ["inspect", "m", "--tensors", "--metadata"];
    const { stdout } = await hearth(line, { hearth: api, columns: 40 });
    expect(stdout).toMatchInlineSnapshot(`
      "name        SmolLM2 135M Instruct
      family      llama
      licence     apache-2.0
      parameters  135 M (134,515,008)
      layers      30 of width 576
      heads       9, 3 for keys and values, of
                  width 64
      vocabulary  49,152
      context     8,192 tokens, 4,096 used
      formats     Q4_1: 210 in 66.4 MB; Q8_0:
                  1 in 30.1 MB; F32: 61 in 141
                  kB
      memory      147 MB: weights 96.6 MB,
                  keys and values 47.2 MB,
                  working space 3.15 MB
      download    98.4 MB
      file        SmolLM2-135M-Instruct.Q4_1.g
                  guf (gguf, 98.4 MB)

      Memory by context and device
      context  CPU (WebAssembly)  GPU (WebGPU)
        4,096             147 MB        127 MB
        8,192             194 MB             –

      Metadata
      key
        type           value
      general.architecture
        string         llama
      tokenizer.ggml.tokens
        string[49152]  <|endoftext|>\\u{1b}[31…

      Tensors
      tensor
        type      shape     size
      token_embd.weight
        Q8_0  49152×576  30.1 MB
      blk.0.attn_norm.weight
        F32         576  2.30 kB
      "
    `);
    for (const text of stdout.split("\n")) expect(textWidth(text)).toBeLessThanOrEqual(40);
  });

  it("prints the tables in 100 columns, without what would colour the terminal", async () => {
    const line = ["inspect", "m", "--tensors", "--metadata"];
    const { stdout } = await hearth(line, { hearth: api, columns: 100 });
    expect(stdout.slice(stdout.indexOf("\nMetadata"))).toMatchInlineSnapshot(`
      "
      Metadata
      key                    type           value
      general.architecture   string         llama
      tokenizer.ggml.tokens  string[49152]  <|endoftext|>\\u{1b}[31m, …

      Tensors
      tensor                  type      shape     size
      token_embd.weight       Q8_0  49152×576  30.1 MB
      blk.0.attn_norm.weight  F32         576  2.30 kB
      "
    `);
    expect(stdout).not.toContain("\x1b");
  });

  it("leaves tensors and metadata out of --json unless they are asked for", async () => {
    const short = await hearth(["inspect", "m", "--json"], { hearth: api });
    expect(JSON.parse(short.stdout)).toMatchObject({
      name: "smollm2-135m-instruct",
      model: { architecture: "llama" },
    });
    expect(JSON.parse(short.stdout).files).toEqual([
      { name: "SmolLM2-135M-Instruct.Q4_1.gguf", size: 98_405_952, format: "gguf" },
    ]);
    const long = await hearth(["inspect", "m", "--json", "--tensors", "--metadata"], {
      hearth: api,
    });
    expect(JSON.parse(long.stdout)).toEqual(inspection);
  });

  it("wants a model", async () => {
    expect((await hearth(["inspect"])).code).toBe(2);
  });
});
