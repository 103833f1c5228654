import { describe, expect, it } from "vitest";
import { partNames, pickFiles, shardsOf } from "./pick.js";

const beside = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

function pick(names: string[], wanted?: string, texts: Record<string, string> = {}) {
  return pickFiles(names, { subject: "it", wanted, read: async (name) => texts[name] ?? "" });
}

describe("pickFiles", () => {
  it("takes whole weights, with the files beside them", async () => {
    const names = ["README.md", "consolidated.safetensors", "model.safetensors", ...beside];
    expect(await pick(names)).toEqual({
      weights: ["model.safetensors"],
      config: "config.json",
      tokenizer: "tokenizer.json",
      tokenizerConfig: "tokenizer_config.json",
      chatTemplate: "chat_template.jinja",
    });
  });

  it("takes the shards that the index lists, whatever they are called", async () => {
    const index = "model.safetensors.index.json";
    const text = JSON.stringify({
      weight_map: { a: "b.safetensors", b: "a.safetensors", c: "b.safetensors" },
    });
    const names = [index, "a.safetensors", "b.safetensors", "other.safetensors", "config.json"];
    expect(await pick(names, undefined, { [index]: text })).toEqual({
      weights: ["a.safetensors", "b.safetensors"],
      config: "config.json",
    });
    const gone = pick(names.slice(0, 2), undefined, { [index]: text });
    await expect(gone).rejects.toMatchObject({ code: "not_found", subject: "b.safetensors" });
  });

  const ggufs = [
    "m-Q4_K_M.gguf",
    "m-Q4_K_S.gguf",
    "m-Q8_0.gguf",
    "mmproj-m-f16.gguf",
    "config.json",
  ];
  it.each([
    [undefined, "m-Q4_K_M.gguf"],
    ["q8_0", "m-Q8_0.gguf"],
    ["Q4_K_S", "m-Q4_K_S.gguf"],
    ["mmproj-m-f16.gguf", "mmproj-m-f16.gguf"],
  ])("takes one GGUF of several: wanted %s, taken %s", async (wanted, taken) => {
    expect(await pick(ggufs, wanted)).toEqual({ weights: [taken] });
  });

  it("takes all parts of a split GGUF, in whatever folder", async () => {
    const parts = ["q8/m-Q8_0-00001-of-00002.gguf", "q8/m-Q8_0-00002-of-00002.gguf"];
    expect((await pick([...parts].reverse(), "Q8_0")).weights).toEqual(parts);
    expect((await pick(parts, parts[1])).weights).toEqual(parts);
    const gone = pick(parts.slice(0, 1), "Q8_0");
    await expect(gone).rejects.toMatchObject({ code: "not_found", subject: parts[1] });
  });

  it.each([
    ["not_found", [], undefined],
    ["not_found", ["README.md"], undefined],
    ["not_found", ggufs, "Q2_K"],
    ["not_found", ggufs, "K_M"],
    ["invalid_argument", ["a.gguf", "b.gguf"], undefined],
    ["invalid_argument", ["a-Q4_0.gguf", "b-Q4_0.gguf"], "Q4_0"],
    ["invalid_argument", ["a.safetensors", "b.safetensors"], undefined],
    ["invalid_argument", ["a.gguf", "b.safetensors"], undefined],
    ["invalid_argument", ["README.md"], "README.md"],
  ])("fails with %s for %j, wanted %s", async (code, names, wanted) => {
    await expect(pick(names, wanted)).rejects.toMatchObject({ code, subject: "it" });
  });
});

it.each([
  "",
  "{",
  "[]",
  "null",
  '{"weight_map":[]}',
  '{"weight_map":{}}',
  '{"weight_map":{"a":1}}',
])("refuses the index %j", (text) => {
  expect(() => shardsOf(text, "i.json")).toThrow(
    expect.objectContaining({ code: "malformed_json", subject: "i.json" }),
  );
});

it.each([
  "../a.safetensors",
  "/a.safetensors",
  "b\\a.safetensors",
  "http://x/a.safetensors",
  "a.bin",
])("refuses an index that names %s", (name) => {
  const text = JSON.stringify({ weight_map: { x: name } });
  expect(() => shardsOf(text, "i.json")).toThrow(
    expect.objectContaining({ code: "malformed_json" }),
  );
});

it("knows the parts of a split file by its name", () => {
  expect(partNames("a-00002-of-00003.gguf")).toEqual([
    "a-00001-of-00003.gguf",
    "a-00002-of-00003.gguf",
    "a-00003-of-00003.gguf",
  ]);
  expect(partNames("a.gguf")).toBeUndefined();
  expect(partNames("a-00001-of-99999.gguf")).toBeUndefined();
});
