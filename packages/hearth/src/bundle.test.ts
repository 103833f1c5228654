// The built package: what a bundler makes of it, and a real worker thread in Node.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Rolldown, build as viteBuild } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
// @ts-expect-error a script without types
import { bundle } from "../bundle.mjs";

const folder = mkdtempSync(join(tmpdir(), "hearth-bundle-"));
const packaged = join(folder, "hearth");
const variants = ["simd", "relaxed", "relaxed-mt"];

beforeAll(async () => {
  await bundle(packaged);
  mkdirSync(join(packaged, "wasm"));
  for (const [index, variant] of variants.entries()) {
    // Larger than what bundlers write into the script, and each of its own content.
    writeFileSync(
      join(packaged, `wasm/hearth-${variant}.wasm`),
      new Uint8Array(20_000).fill(index),
    );
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("an app built by Vite", () => {
  it("has the worker, its threads and each build of the core", async () => {
    const app = join(folder, "app");
    mkdirSync(app);
    writeFileSync(join(app, "index.html"), `<script type="module" src="./main.js"></script>`);
    const main = `import { createEngine } from "../hearth/index.js";
      globalThis.start = () => createEngine({ model: "smollm2-135m-instruct" });`;
    writeFileSync(join(app, "main.js"), main);
    const built = (await viteBuild({
      root: app,
      configFile: false,
      logLevel: "error",
      build: { write: false, minify: false },
    })) as Rolldown.RolldownOutput;

    const files = new Map(built.output.map((file) => [file.fileName, file]));
    const named = (pattern: RegExp) => [...files.keys()].filter((name) => pattern.test(name));
    const text = (name: string) => {
      const file = files.get(name);
      return String(file?.type === "chunk" ? file.code : file?.source);
    };
    const [worker = ""] = named(/assets\/worker-.*\.js$/);
    const [thread = ""] = named(/assets\/thread-.*\.js$/);
    const [index = ""] = named(/assets\/index-.*\.js$/);
    expect(text(index)).toContain(worker);
    expect(text(worker)).toContain(thread);
    for (const variant of variants) {
      const [module = "missing"] = named(new RegExp(`assets/hearth-${variant}-[^-]*\\.wasm$`));
      expect(text(worker)).toContain(module);
    }
  });
});

describe("a worker thread in Node", () => {
  it("carries typed errors", async () => {
    const { createEngine, HearthError } = await import(
      pathToFileURL(join(packaged, "node.js")).href
    );
    const missing = createEngine({ model: join(folder, "missing.gguf"), variant: "simd" });
    const error = await missing.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HearthError);
    // Both halves of the opening fail here; that of the model is the one to report.
    expect(error).toMatchObject({ code: expect.stringMatching(/^(not_found|unknown_model)$/) });
  });

  it("says that a module does not compile", async () => {
    const { inspect } = await import(pathToFileURL(join(packaged, "node.js")).href);
    const model = join(folder, "empty.gguf");
    writeFileSync(model, "");
    await expect(inspect(model, { variant: "simd" })).rejects.toMatchObject({
      code: "unsupported_device",
      subject: expect.stringContaining("hearth-simd.wasm"),
    });
  });
});
