/**
 * Models on WebGPU in Chromium, which computes in software here: through the public package, in its
 * worker, beside PyTorch's outputs. tests/goldens/verify.test.ts runs them in Node, and with more
 * variants of the kernels.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Engine } from "hearth";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compare, topTwo } from "../../packages/cli/src/compare.js";
import { readSafetensors } from "../../packages/cli/src/safetensors.js";
import { type Served, serve } from "../../scripts/serve.mjs";
import { wanderer } from "../support/gguf.js";
import { decoders } from "../support/hearth-verify.js";
import { type Chromium, launch } from "./harness.js";

const goldens = new URL("../goldens/", import.meta.url);

/** Chromium's switches for WebGPU on its software adapter. */
const flags = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];

// tests/goldens/README.md: 32-bit floats against PyTorch, whose sums run in another order.
const tolerance = 2e-4;

let browser: Chromium;
let server: Served;
let page: Page;
/** Paths that the server was asked for. */
const requests: string[] = [];

/** The page's, and those of an engine's worker whose GPU can be taken away. */
const scripts = {
  "/page.js": 'import { createEngine } from "/index.js"; globalThis.createEngine = createEngine;',
  "/faulty-worker.js": 'import "/faults.js"; import "/worker.js";',
  "/faults.js": `import { breakGpu } from "/faulty-gpu.mjs";
    breakGpu(globalThis, { channel: "faults" });`,
  "/faulty-gpu.mjs": await readFile(new URL("../support/faulty-gpu.mjs", import.meta.url), "utf8"),
};

beforeAll(async () => {
  const own = new Map<string, [type: string, body: string | Uint8Array]>([
    [
      "/",
      [
        "text/html",
        '<!doctype html><title>GPU</title><script type="module" src="/page.js"></script>',
      ],
    ],
    ["/wanderer.gguf", ["application/octet-stream", wanderer()]],
  ]);
  for (const [path, code] of Object.entries(scripts)) own.set(path, ["text/javascript", code]);
  server = await serve({
    app: fileURLToPath(new URL("../../packages/hearth/dist", import.meta.url)),
    models: fileURLToPath(goldens),
    intercept: (request, response) => {
      requests.push(request.url ?? "");
      const found = own.get(request.url ?? "");
      if (!found) return false;
      const [type, body] = found;
      response.writeHead(200, { "Content-Type": type });
      response.end(body);
      return true;
    },
  });
  browser = await launch(flags);
  page = await browser.context.newPage();
  await page.goto(server.url);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** What runs in the page; the last parameter is what it is given. */
interface Asked {
  model: string;
  device: "webgpu" | "auto";
  ids: number[];
  /** Tokens to continue with, one at a time. */
  next: number[];
}

async function run({ model, device, ids, next }: Asked) {
  const { createEngine } = globalThis as unknown as typeof import("hearth");
  const file = async (name: string) => {
    const blob = await (await fetch(`/models/${model}/${name}`)).blob();
    return { key: `${model}-${name}`, name, size: blob.size, urls: [], blob };
  };
  const engine = await createEngine({
    // The goldens come without tokenizers, so they are named file by file.
    model: {
      name: model,
      weights: [await file("model.safetensors")],
      config: await file("config.json"),
    },
    device,
    exact: true,
    // What runs everywhere: the others take the software adapter longest to compile.
    gpu: { features: [] },
  });
  try {
    const all = await engine.forward(ids, { all: true, reset: true });
    const logits = Array.from(all.logits);
    const steps = [logits.slice(-all.vocabSize)];
    for (const id of next.slice(0, -1)) {
      steps.push(Array.from((await engine.forward([id], { reset: false })).logits));
    }
    return { info: engine.info, logits, steps };
  } finally {
    await engine.close();
  }
}

async function golden(model: string) {
  const file = "golden.safetensors";
  const tensors = readSafetensors(await readFile(new URL(`${model}/${file}`, goldens)), file);
  const data = (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${model} has no ${name}.`);
    return tensor.data;
  };
  const ids = Array.from(data("input_ids"));
  return { ids, next: Array.from(data("greedy_ids")), logits: data("logits") };
}

it.each(decoders)("%s gives PyTorch's logits and tokens", async (model) => {
  const { ids, next, logits } = await golden(model);
  const result = await page.evaluate(run, { model, device: "webgpu", ids, next } as const);
  expect(result.info).toMatchObject({ device: "webgpu", adapter: { software: true } });
  const { error, scale } = compare(result.logits, logits);
  expect(error).toBeLessThanOrEqual(tolerance);
  // Zero would mean that nothing was computed: no two programs add up in the same order.
  expect(error).toBeGreaterThan(0);
  for (const [at, row] of result.steps.entries()) {
    const { best, gap } = topTwo(row);
    if (best === next[at]) continue;
    // From a near tie on, either of the two is right.
    expect(gap).toBeLessThan(tolerance * scale);
    break;
  }
});

/** In the page: what an engine writes, whose GPU is lost after so many submissions. */
async function write({ device, loseAfter = 0 }: { device: "webgpu" | "wasm"; loseAfter?: number }) {
  const scope = globalThis as { engine?: Engine };
  if (scope.engine?.info.device !== device) {
    await scope.engine?.close();
    const { createEngine } = globalThis as unknown as typeof import("hearth");
    scope.engine = await createEngine({
      model: new URL("/wanderer.gguf", location.href).href,
      device,
      contextLength: 256,
      exact: true,
      gpu: { features: [] },
      assets: { worker: "/faulty-worker.js", wasm: "/wasm/" },
    });
  }
  if (loseAfter > 0) {
    const speaker = new BroadcastChannel("faults");
    const armed = new Promise((resolve) => {
      speaker.onmessage = resolve;
    });
    speaker.postMessage({ loseAfter });
    await armed;
    speaker.onmessage = ({ data }) => {
      document.title = data;
    };
  }
  const answer = await scope.engine.completions.create({
    prompt: "abc",
    max_tokens: 40,
    temperature: 0,
  });
  return answer.choices[0]?.text;
}

it("samples ahead, survives a loss, and asks the network for nothing all the while", async () => {
  const expected = await page.evaluate(write, { device: "wasm" } as const);
  expect(expected).toHaveLength(40);
  expect(await page.evaluate(write, { device: "webgpu" } as const)).toBe(expected);
  const before = [...requests];
  expect(before).toContain("/wanderer.gguf");
  const lost = await page.evaluate(write, { device: "webgpu", loseAfter: 12 } as const);
  expect(await page.title()).toBe("lost");
  expect(lost).toBe(expected);
  expect(requests).toEqual(before);
});

it('takes WebAssembly for "auto", since software is no gain, and says so', async () => {
  const { ids, next, logits } = await golden("llama");
  const result = await page.evaluate(run, { model: "llama", device: "auto", ids, next } as const);
  expect(result.info).toMatchObject({ device: "wasm" });
  expect(result.info.reason).toMatch(/software/);
  expect(compare(result.logits, logits).error).toBeLessThanOrEqual(tolerance);
});
