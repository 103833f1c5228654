// Generations on a device, from the engine's options down to WGSL, with a core that only plans.

import { afterEach, describe, expect, it } from "vitest";
import { type AppPlatform, type Engine, openEngine } from "../engine/engine.js";
import { Host } from "../engine/host.js";
import type { EngineOptions } from "../engine/types.js";
import { HearthError } from "../errors.js";
import { type FakeFile, fakePlatform, portPair } from "../testing/fake-core.js";
import { alphabet, FakeGpuCore, tinyPlan } from "../testing/fake-gpu.js";
import { SoftwareGpus } from "../testing/software-gpu.js";
import { serve } from "../worker/serve.js";
import { runAhead } from "./stepper.js";

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function setUp(options: Partial<EngineOptions> = {}, file: FakeFile = alphabet()) {
  const core = new FakeGpuCore();
  const gpus = new SoftwareGpus();
  const pair = portPair();
  const platform = { ...fakePlatform(core, file), openGpu: gpus.open.bind(gpus) };
  serve(pair.worker, new Host(platform).handlers());
  const app: AppPlatform = { spawn: () => pair.app, baseUrl: undefined, resolveWasm: String };
  const open = async () => {
    const engine = await openEngine({ model: "fake", device: "webgpu", ...options }, app);
    engines.push(engine);
    return engine;
  };
  return { core, gpus, file, open };
}

const complete = async (engine: Engine, max_tokens: number, prompt = "abcde") => {
  const { choices } = await engine.completions.create({ prompt, max_tokens, temperature: 0 });
  return choices[0]?.text;
};

describe("a model on the GPU", () => {
  it("is opened in the core's documented order", async () => {
    const { core, open, file } = await setUp();
    const { info } = await open();
    expect(core.calls).toEqual([
      ...["fileOpen", "engineInfo", "modelOpen", "gpuPlan", "gpuCheckOpen", "gpuCheckClose"],
      ...["modelReady", "tokenizerOpen", "fileClose", "sessionOpen", "engineInfo"],
    ]);
    expect(info).toMatchObject({ device: "webgpu", adapter: { software: true } });
    expect(info.adapter?.features).toContain("subgroups");
    expect(file.closed).toBe(1);
  });

  it("generates what its weights say, several steps ahead of the answers", async () => {
    const { core, open } = await setUp();
    const engine = await open();
    // Five tokens of prompt are two steps of prefill, and the first answer.
    expect(await complete(engine, 10)).toBe("fghijklmno");
    expect(core.mostAhead).toBe(runAhead.node);
    expect(core.submitted).toBe(1 + 10);
    // The second generation starts while nothing of the first is left.
    expect(await complete(engine, 3, "x")).toBe("yz{");
  });

  it("ends at a stop text, and drops what was computed past it", async () => {
    const { open } = await setUp();
    const engine = await open();
    const { choices } = await engine.completions.create({
      prompt: "ab",
      max_tokens: 30,
      stop: ["g"],
    });
    expect(choices[0]).toMatchObject({ text: "cdef", finish_reason: "stop" });
    expect(await complete(engine, 2, "p")).toBe("qr");
  });

  it("ends by abort, and goes on with the next request", async () => {
    const { core, open } = await setUp();
    const engine = await open();
    const abort = new AbortController();
    const stream = await engine.completions.create(
      { prompt: "A", max_tokens: 60, stream: true },
      { signal: abort.signal },
    );
    const read = async () => {
      for await (const _ of stream) abort.abort();
    };
    await expect(read()).rejects.toMatchObject({ code: "aborted" });
    expect(core.calls).toContain("sessionAbort");
    expect(await complete(engine, 4, "p")).toBe("qrst");
  });

  it("scores and runs ids, in chunks and appended", async () => {
    const { open } = await setUp();
    const engine = await open();
    // Rows come four at a time, the last of them without a score; the fake's logit is 1 for the next letter.
    const scores = await engine.score([97, 98, 99, 100, 101, 7, 8]);
    expect([...scores]).toEqual([1, 1, 1, 1, -1, 1]);
    const best = (logits: Float32Array) => logits.indexOf(1);
    const all = await engine.forward([65, 70, 75, 80, 85], { all: true });
    expect(all.rows).toBe(5);
    expect(all.logits.length).toBe(5 * all.vocabSize);
    const rows = [0, 1, 2, 3, 4].map((row) =>
      best(all.logits.subarray(row * all.vocabSize, (row + 1) * all.vocabSize)),
    );
    expect(rows).toEqual([66, 71, 76, 81, 86]);
    const more = await engine.forward([90], { reset: false });
    expect([more.rows, best(more.logits)]).toEqual([1, 91]);
  });
});

describe("a device that is lost", () => {
  it("is replaced, and the stream goes on from its tokens", async () => {
    const { core, gpus, open, file } = await setUp();
    const engine = await open();
    let text = "";
    const stream = await engine.completions.create({ prompt: "abc", max_tokens: 20, stream: true });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? "";
      if (text.length === 5) gpus.lose();
    }
    expect(text).toBe("defghijklmnopqrstuvw");
    expect(core.calls.filter((name) => name === "sessionLost")).toHaveLength(1);
    expect(gpus.opened).toBe(2);
    expect(file.closed).toBe(2);
  });

  it("is replaced between requests, and during a forward pass", async () => {
    const { gpus, open } = await setUp();
    const engine = await open();
    gpus.lose();
    expect(await complete(engine, 4)).toBe("fghi");
    gpus.lose();
    const { logits } = await engine.forward([65]);
    expect(logits.indexOf(1)).toBe(66);
    gpus.lose();
    // The session's first token is needed for a right answer, and is there again.
    const more = await engine.forward([66, 67], { reset: false, all: true });
    expect([more.logits.indexOf(1), more.logits.lastIndexOf(1) - more.vocabSize]).toEqual([67, 68]);
    expect(await complete(engine, 2)).toBe("fg");
  });

  it("is the end of the request when there is no other, and not of the engine", async () => {
    const { gpus, open } = await setUp();
    const engine = await open();
    gpus.lose();
    gpus.before = () => {
      throw new HearthError("unsupported_device", "No graphics card is available to WebGPU.");
    };
    await expect(complete(engine, 4)).rejects.toMatchObject({ code: "device_lost" });
    gpus.before = () => {};
    expect(await complete(engine, 4)).toBe("fghi");
  });

  it("is not replaced a second time without a token in between", async () => {
    const { core, gpus, open } = await setUp();
    const engine = await open();
    core.before = (method) => {
      if (method === "sessionSchedule") gpus.lose();
    };
    await expect(complete(engine, 4)).rejects.toMatchObject({ code: "device_lost" });
    expect(gpus.opened).toBe(2);
  });
});

describe("opening on a GPU", () => {
  it("fails for a file that ends before its weights", async () => {
    const whole = alphabet();
    const { open } = await setUp({}, Object.assign(whole, { bytes: whole.bytes.subarray(0, 200) }));
    await expect(open()).rejects.toMatchObject({ code: "truncated_data", subject: "fake.gguf" });
  });

  it("reports WGSL that does not compile, by its name and place", async () => {
    const { core, open } = await setUp();
    core.plan = () => {
      const plan = tinyPlan();
      plan.sources[1] = { name: "logits", code: "@compute fn main() { oops; }" };
      return plan;
    };
    await expect(open()).rejects.toMatchObject({
      code: "gpu_error",
      subject: "logits",
      message: expect.stringMatching(/^1:/),
    });
  });

  it("reports bindings that do not fit their kernel", async () => {
    const { core, open } = await setUp();
    core.plan = () => {
      const plan = tinyPlan();
      for (const binding of plan.programs[0]?.dispatches[0]?.bindings ?? []) binding.offset = 4;
      return plan;
    };
    await expect(open()).rejects.toMatchObject({ code: "gpu_error", subject: "programs" });
  });

  it("reports memory that is not there", async () => {
    const { core, open } = await setUp();
    core.plan = () => {
      const plan = tinyPlan();
      // Within the adapter's limit for one buffer, and more together than any machine has.
      const huge = { kind: "weights", bytes: 1 << 30 };
      const more = Array.from({ length: 4000 }, (_, i) => ({ name: `huge ${i}`, ...huge }));
      return { ...plan, buffers: [...plan.buffers, ...more] };
    };
    await expect(open()).rejects.toMatchObject({ code: "out_of_memory" });
  });
});
