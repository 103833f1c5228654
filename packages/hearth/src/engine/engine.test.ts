// The engine and its host against a core that computes nothing: order of calls, streams, aborts.

import { describe, expect, it } from "vitest";
import { HearthError } from "../errors.js";
import type { ChatCompletionChunk } from "../openai/types.js";
import {
  decoded,
  ended,
  FakeCore,
  FakeFile,
  fakePlatform,
  portPair,
} from "../testing/fake-core.js";
import { serve } from "../worker/serve.js";
import { type AppPlatform, inspectOn, openEngine, openTokenizerOn } from "./engine.js";
import { Host, type Platform } from "./host.js";
import type { EngineOptions, Progress } from "./types.js";

function setUp(core = new FakeCore(), own: Partial<Platform> = {}, file?: FakeFile) {
  const pair = portPair();
  let spawned = 0;
  serve(pair.worker, new Host({ ...fakePlatform(core, file), ...own }).handlers());
  const app: AppPlatform = {
    spawn: () => {
      spawned++;
      return pair.app;
    },
    baseUrl: undefined,
    resolveWasm: String,
  };
  const open = (options: Partial<EngineOptions> = {}) =>
    openEngine({ model: "fake", ...options }, app);
  return { core, app, open, terminated: () => pair.app.terminated, spawned: () => spawned };
}

const messages = [{ role: "user" as const, content: "Hi" }];

async function contents(chunks: AsyncIterable<ChatCompletionChunk>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

describe("opening", () => {
  it("calls the core in its documented order, and puts bytes where the plan says", async () => {
    const { core, open } = setUp();
    const engine = await open();
    expect(core.calls).toEqual([
      ...["fileOpen", "modelOpen", "rangeLoaded", "rangeLoaded", "modelReady"],
      ...["tokenizerOpen", "fileClose", "sessionOpen", "engineInfo"],
    ]);
    expect(Object.fromEntries(core.loaded)).toEqual({
      64: Uint8Array.of(8, 9, 10, 11),
      128: Uint8Array.of(12, 13, 14, 15),
    });
    expect(engine.info).toMatchObject({
      name: "fake",
      device: "wasm",
      variant: "fake",
      source: "network",
      downloadedBytes: 16,
      hasChatTemplate: true,
    });
    await engine.close();
  });

  it("gives the core more of a header for as long as it asks", async () => {
    const core = new FakeCore();
    core.headerBytes = 100_000;
    const heads: number[] = [];
    core.before = (method, request) => {
      if (method === "fileOpen") heads.push((request as { head: Uint8Array }).head.length);
    };
    const { open } = setUp(core, {}, new FakeFile(new Uint8Array(200_000)));
    await open();
    expect(heads).toEqual([65536, 100_000]);
  });

  it("reports each phase to its end", async () => {
    const reports: Progress[] = [];
    await setUp().open({ onProgress: (progress) => reports.push(progress) });
    expect([...new Set(reports.map((report) => report.phase))]).toEqual([
      "compile",
      "download",
      "load",
    ]);
    const last = (phase: string) => reports.filter((report) => report.phase === phase).at(-1);
    expect(last("download")).toMatchObject({ loaded: 16, total: 16, source: "network" });
    expect(last("load")).toMatchObject({ loaded: 8, total: 8, secondsLeft: 0 });
  });

  it.each([
    ["unknown_model", { model: "none" }],
    ["invalid_argument", { model: "" }],
    ["invalid_argument", { device: "gpu" as never }],
    ["invalid_argument", { threads: 0 }],
    ["invalid_argument", { variant: "fast" as never }],
    ["unsupported_device", { device: "webgpu" as const }],
  ])("fails with %s for %j and leaves no worker", async (code, options) => {
    const { open, core, terminated, spawned } = setUp();
    await expect(open(options)).rejects.toMatchObject({ code });
    expect(terminated()).toBe(spawned());
    // Without a GPU no core was started for one.
    if (core.calls.length > 0) expect(core.closed).toBe(true);
  });

  it("reports a file that ends before its data, and closes it", async () => {
    const file = new FakeFile(new Uint8Array(13));
    const { open, core, terminated } = setUp(new FakeCore(), {}, file);
    await expect(open()).rejects.toMatchObject({ code: "truncated_data", subject: "fake.gguf" });
    expect([file.closed, core.closed, terminated()]).toEqual([1, true, 1]);
  });

  it("reports the core's failure and not the download that it ended", async () => {
    const { open, terminated } = setUp(new FakeCore(), {
      startCore: async () => Promise.reject(new HearthError("unsupported_device")),
      ensureFile: (_store, _source, { signal } = {}) =>
        new Promise((_resolve, reject) => {
          const stop = () => reject(new HearthError("aborted"));
          if (signal?.aborted) stop();
          signal?.addEventListener("abort", stop);
        }),
    });
    await expect(open()).rejects.toMatchObject({ code: "unsupported_device" });
    expect(terminated()).toBe(1);
  });

  it("starts nothing when aborted before", async () => {
    const { open, spawned } = setUp();
    await expect(open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(spawned()).toBe(0);
  });

  it.each(["fileOpen", "modelOpen", "rangeLoaded", "tokenizerOpen", "engineInfo"])(
    "ends everything when aborted during %s",
    async (during) => {
      const controller = new AbortController();
      const core = new FakeCore();
      core.before = async (method) => {
        if (method !== during) return;
        controller.abort();
        for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate); // the message arrives
      };
      const file = new FakeFile(new Uint8Array(16));
      const { open, terminated } = setUp(core, {}, file);
      await expect(open({ signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
      expect([file.closed, core.closed, terminated()]).toEqual([1, true, 1]);
    },
  );

  it("is not undone by an abort afterwards", async () => {
    const controller = new AbortController();
    const { open } = setUp();
    const engine = await open({ signal: controller.signal });
    controller.abort();
    await expect(engine.tokenize("A")).resolves.toEqual([65]);
  });
});

describe("chat", () => {
  it("answers in OpenAI's shape", async () => {
    const { core, open } = setUp();
    const engine = await open();
    const answer = await engine.chat.completions.create({ messages, seed: 5, temperature: 0 });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{24}$/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "fake",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hi!", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { completion_tokens: 4, prompt_tokens_details: { cached_tokens: 1 } },
      hearth: { tokensPerSecond: expect.any(Number) },
    });
    const { prompt_tokens, total_tokens } = answer.usage;
    expect(total_tokens).toBe(prompt_tokens + 4);
    const [generation] = core.generations;
    expect(generation?.sampling).toMatchObject({ seed: 5, temperature: 0 });
    const prompt = String.fromCharCode(...(generation?.promptIds ?? []));
    expect(prompt.endsWith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")).toBe(true);
  });

  it("streams", async () => {
    const engine = await setUp().open();
    const stream = await engine.chat.completions.create({
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { role: "assistant", content: "" },
      { content: "Hi" },
      { content: "!" },
      {},
      undefined,
    ]);
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([
      ...[null, null, null, "stop", undefined],
    ]);
    expect(chunks.slice(0, 4).every((chunk) => chunk.usage === null)).toBe(true);
    expect(chunks[3]?.hearth).toBeDefined();
    expect(chunks[4]).toMatchObject({ usage: { completion_tokens: 4 }, hearth: {} });
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it("makes n choices with seeds of their own, and counts the prompt once", async () => {
    const core = new FakeCore();
    core.scripts = [
      [decoded("a"), ended()],
      [decoded("bb", { phase: "done", finishReason: "length" })],
    ];
    const engine = await setUp(core).open();
    const answer = await engine.chat.completions.create({ messages, n: 2, seed: 7 });
    expect(answer.choices.map((choice) => [choice.message.content, choice.finish_reason])).toEqual([
      ["a", "stop"],
      ["bb", "length"],
    ]);
    expect(core.generations.map((generation) => generation.sampling.seed)).toEqual([7, 8]);
    expect(answer.usage.completion_tokens).toBe(4);
    expect(answer.usage.prompt_tokens).toBe(core.generations[0]?.promptIds.length);
  });

  it("reports log-probabilities, but not of the token that ends the turn", async () => {
    const core = new FakeCore();
    const token = (id: number) => ({ id, logprob: -0.25, bytes: Uint8Array.of(id) });
    const entry = (id: number) => ({ token: token(id), top: [token(id), token(66)] });
    core.scripts = [
      [decoded("A", { logprobs: [entry(65)] }), { ...ended(), logprobs: [entry(255)] }],
    ];
    const engine = await setUp(core).open();
    const params = { messages, logprobs: true, top_logprobs: 2 };
    const answer = await engine.chat.completions.create(params);
    expect(answer.choices[0]?.logprobs?.content).toEqual([
      {
        token: "A",
        logprob: -0.25,
        bytes: [65],
        top_logprobs: [
          { token: "A", logprob: -0.25, bytes: [65] },
          { token: "B", logprob: -0.25, bytes: [66] },
        ],
      },
    ]);
  });

  it("rejects the call itself when the prompt cannot start, streamed or not", async () => {
    const core = new FakeCore();
    const engine = await setUp(core).open();
    core.before = (method) => {
      if (method === "sessionGenerate") throw new HearthError("context_overflow");
    };
    const failed = { code: "context_overflow" };
    await expect(engine.chat.completions.create({ messages })).rejects.toMatchObject(failed);
    const streamed = engine.chat.completions.create({ messages, stream: true });
    await expect(streamed).rejects.toMatchObject(failed);
    core.before = () => {};
    const next = await engine.chat.completions.create({ messages });
    expect(next.choices[0]?.message.content).toBe("Hi!");
  });

  it("fails for a model without a template, and still completes text", async () => {
    const core = new FakeCore();
    core.template = "";
    const engine = await setUp(core).open();
    expect(engine.info.hasChatTemplate).toBe(false);
    await expect(engine.chat.completions.create({ messages })).rejects.toMatchObject({
      code: "missing_chat_template",
    });
    const { choices, usage } = await engine.completions.create({ prompt: "On" });
    expect(choices[0]).toMatchObject({ text: "Hi!", finish_reason: "stop" });
    expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 4 });
  });

  it("makes a prompt of a conversation without running the model", async () => {
    const engine = await setUp().open();
    const prompt = await engine.applyChatTemplate([{ role: "user", content: "Hi" }]);
    expect(prompt).toMatch(/<\|im_start\|>user\nHi<\|im_end\|>\n<\|im_start\|>assistant\n$/);
    const whole = { addGenerationPrompt: false };
    const closed = await engine.applyChatTemplate([{ role: "user", content: "Hi" }], whole);
    expect(`${closed}<|im_start|>assistant\n`).toBe(prompt);
    const wrong = engine.applyChatTemplate("Hi" as never);
    await expect(wrong).rejects.toMatchObject({ code: "invalid_argument", subject: "messages" });
  });

  it("throws what a step fails with, and aborts the session", async () => {
    const core = new FakeCore();
    const engine = await setUp(core).open();
    let steps = 0;
    core.before = (method) => {
      if (method === "sessionStep" && ++steps === 2) throw new HearthError("out_of_memory");
    };
    await expect(engine.chat.completions.create({ messages })).rejects.toMatchObject({
      code: "out_of_memory",
    });
    expect(core.calls.at(-1)).toBe("sessionAbort");
    await expect(engine.chat.completions.create({ messages })).resolves.toBeDefined();
  });
});

describe("stopping", () => {
  const endless = () => {
    const core = new FakeCore();
    core.scripts = [[], [decoded("Hi"), ended()]]; // the first goes on until it is aborted
    return core;
  };

  it("ends when the loop is left, and the next request runs", async () => {
    const core = endless();
    const engine = await setUp(core).open();
    const stream = await engine.chat.completions.create({ messages, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === ".") break;
    const next = await engine.chat.completions.create({ messages });
    expect(next.choices[0]?.message.content).toBe("Hi");
    expect(core.calls.filter((call) => call === "sessionAbort")).toHaveLength(1);
  });

  it("ends a loop by the caller's signal, and by abort()", async () => {
    for (const how of ["signal", "abort"]) {
      const engine = await setUp(endless()).open();
      const controller = new AbortController();
      const { signal } = controller;
      const stream = await engine.chat.completions.create({ messages, stream: true }, { signal });
      const loop = contents(stream);
      if (how === "signal") controller.abort();
      else stream.abort();
      await expect(loop).rejects.toMatchObject({ code: "aborted" });
    }
  });

  it("ends an answer that is not streamed", async () => {
    const core = endless();
    const engine = await setUp(core).open();
    const controller = new AbortController();
    const answer = engine.chat.completions.create({ messages }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(answer).rejects.toMatchObject({ code: "aborted" });
    expect(core.calls.at(-1)).toBe("sessionAbort");
  });

  it("serves requests in order, and lets one leave while it waits", async () => {
    const core = new FakeCore();
    core.scripts = ["first", "third"].map((text) => [decoded(text), ended()]);
    const engine = await setUp(core).open();
    const controller = new AbortController();
    const ask = (signal?: AbortSignal) =>
      engine.chat.completions.create({ messages }, signal ? { signal } : {});
    const first = ask();
    const second = ask(controller.signal);
    const third = ask();
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: "aborted" });
    const texts = (await Promise.all([first, third])).map((answer) => answer.choices[0]?.message);
    expect(texts.map((message) => message?.content)).toEqual(["first", "third"]);
    expect(core.generations).toHaveLength(2);
  });
});

describe("the rest of an engine", () => {
  it("tokenizes, detokenizes, scores and runs ids", async () => {
    const engine = await setUp().open();
    expect(await engine.tokenize("AB")).toEqual([65, 66]);
    expect(await engine.tokenize(Uint8Array.of(1))).toEqual([1]);
    expect(await engine.detokenize([72, 105])).toBe("Hi");
    expect(await engine.score([1, 2, 3])).toEqual(Float32Array.of(-0.5, -0.5));
    const { rows, vocabSize, logits } = await engine.forward([1]);
    expect([rows, vocabSize, logits]).toEqual([1, 2, Float32Array.of(1.5, -2)]);
    await expect(engine.score([-1])).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(engine.forward("x" as never)).rejects.toMatchObject({ subject: "ids" });
  });

  it("has no handle after close", async () => {
    const { core, open, terminated } = setUp();
    const engine = await open();
    await engine.close();
    expect([core.closed, terminated()]).toEqual([true, 1]);
    await expect(engine.tokenize("A")).rejects.toMatchObject({ code: "invalid_handle" });
    await expect(engine.chat.completions.create({ messages })).rejects.toMatchObject({
      code: "invalid_handle",
    });
  });

  it("aborts what is in flight when it closes", async () => {
    const core = new FakeCore();
    core.scripts = [[]];
    const engine = await setUp(core).open();
    const answer = engine.chat.completions.create({ messages });
    const failed = expect(answer).rejects.toMatchObject({ code: "aborted" });
    await engine.close();
    await failed;
  });
});

describe("without an engine", () => {
  it("inspects headers only", async () => {
    const { core, app, terminated } = setUp();
    const inspection = await inspectOn("fake", {}, app);
    // Once for what was asked, then for each device at the one context that the model has.
    expect(core.calls).toEqual(["fileOpen", ...Array(3).fill("modelInspect"), "fileContents"]);
    expect(inspection.files[0]).toMatchObject({ name: "fake.gguf", size: 16, format: "gguf" });
    expect([core.closed, terminated()]).toEqual([true, 1]);
  });

  it("opens a tokenizer only", async () => {
    const { core, app } = setUp();
    const tokenizer = await openTokenizerOn("fake", {}, app);
    expect(core.calls).toEqual(["fileOpen", "tokenizerOpen", "fileClose"]);
    expect(tokenizer.info).toMatchObject({ vocabSize: 256, bosToken: "<s>" });
    expect(await tokenizer.tokenize("A")).toEqual([65]);
    await tokenizer.close();
  });
});
