// Faults of a GPU against the public package and the real core in Node's worker thread: a device that is
// lost, generations that end before what was submitted ahead, and kernels that compute wrong numbers.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createEngine, type Engine, type EngineOptions, HearthError } from "hearth";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { wanderer } from "../support/gguf.js";
import { gpuEnvironment } from "../support/gpu.js";

const folder = mkdtempSync(join(tmpdir(), "hearth-gpu-"));
// Shared, so that each kernel is checked once.
const cacheDir = join(folder, "store");
const model = join(folder, "wanderer.gguf");
const package_ = new URL("../../node_modules/hearth/dist/", import.meta.url);
Object.assign(process.env, gpuEnvironment());

interface Faults {
  wrong?: string[];
  card?: boolean;
}

interface Faulty {
  options: Partial<EngineOptions>;
  /** What the worker told, in order. */
  told: unknown[];
  /** Has the device lost right after its n-th submission from now on. */
  loseAfter(submissions: number): Promise<void>;
}

const speakers: BroadcastChannel[] = [];
let count = 0;

/** Options for an engine whose GPU has faults. */
function faulty(faults: Faults = {}): Faulty {
  const number = ++count;
  const channel = `hearth-gpu-${process.pid}-${number}`;
  const worker = join(folder, `worker-${number}.mjs`);
  const support = new URL("../support/faulty-gpu.mjs", import.meta.url).href;
  writeFileSync(
    worker,
    `import { globals } from ${JSON.stringify(import.meta.resolve("webgpu"))};
    import { breakGpu } from ${JSON.stringify(support)};
    breakGpu(globals, ${JSON.stringify({ channel, ...faults })});
    await import(${JSON.stringify(new URL("node-worker.js", package_).href)});`,
  );
  const speaker = new BroadcastChannel(channel);
  speakers.push(speaker);
  const told: unknown[] = [];
  let armed = () => {};
  speaker.onmessage = (event) => {
    const { data } = event as MessageEvent<unknown>;
    if (data === "armed") armed();
    else told.push(data);
  };
  return {
    options: { assets: { worker, wasm: fileURLToPath(new URL("wasm/", package_)) } },
    told,
    loseAfter: (submissions) =>
      new Promise((resolve) => {
        armed = resolve;
        speaker.postMessage({ loseAfter: submissions });
      }),
  };
}

function open(options: Partial<EngineOptions>): Promise<Engine> {
  // A short context, since software fills the memory that it takes by hand.
  const usual = { model, cacheDir, variant: "simd", device: "webgpu", contextLength: 256 } as const;
  return createEngine({ ...usual, ...options });
}

const likeliest = { prompt: "abc", max_tokens: 40, temperature: 0 };
const drawn = { ...likeliest, temperature: 1, top_k: 20, top_p: 0.95, seed: 7 };

/** What a stream gives, and calls `each` with the text so far. */
async function read(
  engine: Engine,
  params: typeof likeliest & { stop?: string },
  each: (text: string) => void = () => {},
  signal?: AbortSignal,
): Promise<string> {
  const streamed = { ...params, stream: true } as const;
  const stream = await engine.completions.create(streamed, signal ? { signal } : {});
  let text = "";
  for await (const chunk of stream) {
    text += chunk.choices[0]?.text ?? "";
    each(text);
  }
  return text;
}

async function failure(work: Promise<unknown>): Promise<HearthError> {
  const thrown = await work.then(
    () => expect.fail("it succeeded"),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(HearthError);
  return thrown as HearthError;
}

/** The CPU's answer to `likeliest`. */
let expected: string;

beforeAll(async () => {
  writeFileSync(model, wanderer());
  const engine = await open({ device: "wasm", exact: true });
  expected = await read(engine, likeliest);
  await engine.close();
  // It goes on from everything before, or what a loss takes would not be missed.
  expect(new Set(expected).size).toBeGreaterThan(5);
});
afterAll(() => {
  for (const speaker of speakers) speaker.close();
  rmSync(folder, { recursive: true });
});

// Compiling for a software adapter takes most of the time: some 10 s on two cores, each time.
const timeout = 600_000;

describe("a GPU that is lost", () => {
  let engine: Engine;
  let gpu: Faulty;
  beforeAll(async () => {
    gpu = faulty();
    engine = await open({ ...gpu.options, exact: true, gpu: { features: [] } });
  }, timeout);
  afterAll(() => engine?.close());

  it.each([
    ["the likeliest tokens", likeliest],
    ["tokens that are drawn", drawn],
  ])("in a stream of %s is replaced, and the text goes on", { timeout }, async (_, params) => {
    const undisturbed = await read(engine, params);
    if (params === likeliest) expect(undisturbed).toBe(expected);
    else expect(undisturbed).not.toBe(expected);
    // A step for the prompt, then one a token: the device is lost with some answered and some ahead.
    gpu.told.length = 0;
    await gpu.loseAfter(12);
    let before = "";
    const text = await read(engine, params, (so_far) => {
      if (gpu.told.length === 0) before = so_far;
    });
    expect(gpu.told).toEqual(["lost"]);
    expect(before.length).toBeLessThan(text.length);
    expect(text).toBe(undisturbed);
    // The other device does not forget either.
    expect(await read(engine, params)).toBe(undisturbed);
  });

  it("and steps ahead leave a stop text and an abort their effect", { timeout }, async () => {
    const stop = expected.slice(9, 12);
    const stopped = expected.slice(0, expected.indexOf(stop));
    expect(await read(engine, { ...likeliest, stop })).toBe(stopped);
    expect(await read(engine, likeliest)).toBe(expected);

    const controller = new AbortController();
    const long = { ...likeliest, max_tokens: 200 };
    const abort = (text: string) => {
      if (text.length >= 3) controller.abort();
    };
    const aborted = read(engine, long, abort, controller.signal);
    expect(await failure(aborted)).toMatchObject({ code: "aborted" });
    expect(await read(engine, likeliest)).toBe(expected);
  });
});

describe("a kernel that computes wrong numbers", () => {
  const subgroups = "matvec.f32.subgroups";
  const plain = "matvec.f32.plain";

  it("is found, and another one takes its place", { timeout }, async () => {
    const gpu = faulty({ wrong: [subgroups] });
    const engine = await open({ ...gpu.options, exact: true, gpu: { features: ["subgroups"] } });
    try {
      expect(engine.info).toMatchObject({ device: "webgpu" });
      expect(engine.info.adapter?.features).toEqual(["subgroups"]);
      expect(await read(engine, likeliest)).toBe(expected);
      expect(gpu.told).toContainEqual({ spoiled: subgroups });
    } finally {
      await engine.close();
    }
  });

  it("and has no substitute is the end of the GPU, not of the model", { timeout }, async () => {
    const gpu = faulty({ wrong: [subgroups, plain], card: true });
    const engine = await open({ ...gpu.options, device: "auto", exact: true });
    try {
      expect(gpu.told).toContainEqual({ spoiled: plain });
      expect(engine.info).toMatchObject({ device: "wasm" });
      expect(engine.info.reason).toMatch(
        /"matvec\.f32" computes wrong numbers on hearth faulty\.$/,
      );
      expect(await read(engine, likeliest)).toBe(expected);
    } finally {
      await engine.close();
    }
    const error = await failure(open({ ...gpu.options, exact: true }));
    expect(error).toMatchObject({ code: "unsupported_device" });
    expect(error.message).toBe(engine.info.reason);
  });
});
