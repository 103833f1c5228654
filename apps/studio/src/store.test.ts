import { describe, expect, it, vi } from "vitest";
import type {
  CatalogueModel,
  ChatChunk,
  ChatRequest,
  CheckProgress,
  CreateEngine,
  Diagnose,
  Diagnosis,
  EngineInfo,
  Inspect,
  Inspection,
} from "./engine.js";
import { chosenModel, otherModel, Studio } from "./store.js";

const models: CatalogueModel[] = ["a", "b"].map((id) => ({
  id,
  name: `Model ${id}`,
  description: "",
  license: "apache-2.0",
  parameters: 135e6,
  bytes: 98e6,
}));

const info: EngineInfo = {
  name: "Model a",
  model: {
    ...{ parameters: 135e6, contextLength: 2048 },
    ...{ weightBytes: 96e6, activationBytes: 3e6, kvBytes: 47e6 },
  },
  device: "wasm",
  variant: "relaxed-mt",
  threads: 2,
  source: "store",
  downloadedBytes: 0,
  loadSeconds: 0.5,
};

const inspection: Inspection = {
  name: "name",
  license: "mit",
  model: { architecture: "llama", parameters: 1e6, trainedContext: 2048, dtypes: [] },
  totalBytes: 10,
  missingBytes: 10,
  memory: [],
};
const inspect: Inspect = async () => inspection;

const diagnose: Diagnose = async () => ({ kernels: [] });

const failure = (code: string, subject = "") =>
  Object.assign(new Error(`It failed with ${code}.`), { code, subject });

const piece = (content: string): ChatChunk => ({ choices: [{ delta: { content } }] });
const end = (finish_reason: string): ChatChunk => ({ choices: [{ delta: {}, finish_reason }] });
const figures: ChatChunk = {
  choices: [],
  usage: { prompt_tokens: 9, completion_tokens: 3 },
  hearth: { prefillSeconds: 0.2, decodeSeconds: 0.1, tokensPerSecond: 30 },
};

/** A stream whose chunks the test hands over one at a time. */
class Script {
  readonly requests: ChatRequest[] = [];
  closed = 0;
  private readonly waiting: ((step: IteratorResult<ChatChunk> | Error) => void)[] = [];
  private readonly ready: (IteratorResult<ChatChunk> | Error)[] = [];

  give(...steps: (ChatChunk | Error | "done")[]): void {
    for (const step of steps) {
      const result =
        step === "done"
          ? { done: true as const, value: undefined }
          : step instanceof Error
            ? step
            : { done: false as const, value: step };
      const waiter = this.waiting.shift();
      if (waiter) waiter(result);
      else this.ready.push(result);
    }
  }

  readonly create: CreateEngine = async () => ({
    info,
    chat: {
      completions: {
        create: async (request, options) => {
          this.requests.push(request);
          const next = () =>
            new Promise<IteratorResult<ChatChunk>>((resolve, reject) => {
              const settle = (step: IteratorResult<ChatChunk> | Error) =>
                step instanceof Error ? reject(step) : resolve(step);
              options?.signal?.addEventListener("abort", () => reject(failure("aborted")));
              const step = this.ready.shift();
              if (step) settle(step);
              else this.waiting.push(settle);
            });
          return { [Symbol.asyncIterator]: () => ({ next }) };
        },
      },
    },
    close: () => {
      this.closed++;
    },
  });
}

async function loaded(script = new Script()) {
  let clock = 0;
  const studio = new Studio({
    createEngine: script.create,
    diagnose,
    inspect,
    models,
    now: () => clock,
  });
  await studio.load();
  return {
    studio,
    script,
    tick: (seconds: number) => {
      clock += seconds;
    },
    texts: () => studio.state().messages.map(({ role, content }) => `${role}: ${content}`),
    finished: () => vi.waitUntil(() => !studio.state().generating),
  };
}

describe("loading", () => {
  it("shows progress, then what runs", async () => {
    const script = new Script();
    const seen: (number | undefined)[] = [];
    const studio = new Studio({
      diagnose,
      inspect,
      models,
      createEngine: async (options) => {
        expect(options).toMatchObject({ model: "b", device: "auto" });
        options.onProgress({ phase: "download", loaded: 5, total: 10 });
        return script.create(options);
      },
    });
    studio.subscribe(() => seen.push(studio.state().progress?.loaded));
    studio.selectModel("b");
    const done = studio.load();
    expect(studio.state().phase).toBe("loading");
    await done;
    expect(seen).toContain(5);
    expect(studio.state()).toMatchObject({ phase: "ready", info, progress: undefined });
  });

  it("tells a typed failure, and loads when tried again", async () => {
    const script = new Script();
    const create = vi
      .fn<CreateEngine>()
      .mockRejectedValueOnce(failure("not_found", "model.gguf"))
      .mockImplementation(script.create);
    const studio = new Studio({ createEngine: create, diagnose, inspect, models });
    await studio.load();
    expect(studio.state()).toMatchObject({
      phase: "idle",
      failure: { code: "not_found", subject: "model.gguf", retry: "load" },
    });
    await studio.retry();
    expect(studio.state()).toMatchObject({ phase: "ready", failure: undefined });
    expect(create).toHaveBeenCalledTimes(2);
  });

  it("takes what has no code for a bug", async () => {
    const createEngine = () => Promise.reject(new TypeError("x is not a function"));
    const studio = new Studio({ createEngine, diagnose, inspect, models });
    await studio.load();
    expect(studio.state().failure).toMatchObject({
      code: "internal",
      message: "x is not a function",
    });
  });

  it("can be cancelled, without a failure and without late progress", async () => {
    let report: Parameters<CreateEngine>[0]["onProgress"] = () => {};
    const studio = new Studio({
      diagnose,
      inspect,
      models,
      createEngine: ({ signal, onProgress }) => {
        report = onProgress;
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(failure("aborted")));
        });
      },
    });
    const done = studio.load();
    studio.cancelLoad();
    report({ phase: "download", loaded: 1, total: 2 });
    await done;
    expect(studio.state()).toMatchObject({
      phase: "idle",
      progress: undefined,
      failure: undefined,
    });
  });

  it("closes an engine that comes after the cancel", async () => {
    const script = new Script();
    let open = () => {};
    const studio = new Studio({
      diagnose,
      inspect,
      models,
      createEngine: async (options) => {
        await new Promise<void>((resolve) => {
          open = resolve;
        });
        return script.create(options);
      },
    });
    const done = studio.load();
    studio.cancelLoad();
    open();
    await done;
    expect(script.closed).toBe(1);
    expect(studio.state().phase).toBe("idle");
  });

  it("keeps the choice of model while loading, and ignores unknown ones", async () => {
    const { studio } = await loaded();
    studio.selectModel("nothing");
    expect(studio.state().modelId).toBe("a");
  });
});

describe("an answer", () => {
  it("grows with the stream and ends with figures", async () => {
    const { studio, script, texts, tick, finished } = await loaded();
    expect(studio.send("  Hello?  ")).toBe(true);
    expect(studio.state().generating).toBe(true);
    await vi.waitUntil(() => script.requests.length === 1);
    tick(0.5);
    script.give(piece("Good"), piece(" day"));
    await vi.waitUntil(() => texts()[1] === "assistant: Good day");
    script.give(end("stop"), figures, "done");
    await finished();
    expect(texts()).toEqual(["user: Hello?", "assistant: Good day"]);
    expect(studio.state().messages[1]).toMatchObject({
      status: "done",
      figures: { tokens: 3, firstTokenSeconds: 0.5, tokensPerSecond: 30 },
    });
  });

  it("sends the whole conversation, the system prompt and the settings", async () => {
    const { studio, script, finished } = await loaded();
    studio.changeSettings({
      system: " Be brief. ",
      temperature: 0,
      topP: 0.5,
      maxTokens: 7,
      seed: 3,
    });
    script.give(piece("1"), end("stop"), "done");
    studio.send("one");
    await finished();
    script.give(piece("2"), end("stop"), "done");
    studio.send("two");
    await finished();
    expect(script.requests[1]).toEqual({
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "one" },
        { role: "assistant", content: "1" },
        { role: "user", content: "two" },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      top_p: 0.5,
      max_tokens: 7,
      seed: 3,
    });
    expect(studio.state().messages.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  });

  it("leaves the seed out when there is none", async () => {
    const { studio, script, finished } = await loaded();
    script.give("done");
    studio.send("one");
    await finished();
    expect(script.requests[0]).not.toHaveProperty("seed");
  });

  it("says when the token limit cut it off", async () => {
    const { studio, script, finished } = await loaded();
    script.give(piece("and"), end("length"), figures, "done");
    studio.send("Go on.");
    await finished();
    expect(studio.state().messages[1]?.status).toBe("length");
  });

  it("stays as far as it came when it is stopped", async () => {
    const { studio, script, texts, finished } = await loaded();
    script.give(piece("half"));
    studio.send("Tell me.");
    await vi.waitUntil(() => texts()[1] === "assistant: half");
    studio.stop();
    await finished();
    expect(studio.state()).toMatchObject({ failure: undefined });
    expect(studio.state().messages[1]).toMatchObject({ content: "half", status: "stopped" });
  });

  it("vanishes when it is stopped before its first word", async () => {
    const { studio, script, texts, finished } = await loaded();
    studio.send("Tell me.");
    await vi.waitUntil(() => script.requests.length === 1);
    studio.stop();
    await finished();
    expect(texts()).toEqual(["user: Tell me."]);
  });

  it("fails with the code, drops the half, and is written anew when tried again", async () => {
    const { studio, script, texts, finished } = await loaded();
    script.give(piece("half"), failure("context_overflow"));
    studio.send("Tell me.");
    await finished();
    expect(texts()).toEqual(["user: Tell me."]);
    expect(studio.state().failure).toMatchObject({ code: "context_overflow", retry: "answer" });
    script.give(piece("whole"), end("stop"), "done");
    await studio.retry();
    await finished();
    expect(texts()).toEqual(["user: Tell me.", "assistant: whole"]);
    expect(studio.state().failure).toBeUndefined();
  });

  it("loads the model again when the worker is lost, and then answers", async () => {
    const { studio, script, texts, finished } = await loaded();
    script.give(failure("worker_lost"));
    studio.send("Tell me.");
    await vi.waitUntil(() => studio.state().failure !== undefined);
    expect(studio.state()).toMatchObject({ phase: "idle", info: undefined });
    script.give(piece("whole"), end("stop"), "done");
    await studio.retry();
    await finished();
    expect(studio.state().phase).toBe("ready");
    expect(texts()).toEqual(["user: Tell me.", "assistant: whole"]);
  });

  it("is not asked for when blank, busy or without a model", async () => {
    const { studio, script, finished } = await loaded();
    expect(studio.send("  \n ")).toBe(false);
    studio.send("one");
    expect(studio.send("two")).toBe(false);
    script.give("done");
    await finished();
    await studio.unload();
    expect(studio.send("three")).toBe(false);
    expect(script.closed).toBe(1);
  });
});

it("forgets the conversation, also while an answer is written", async () => {
  const { studio, script, finished } = await loaded();
  script.give(piece("half"));
  studio.send("Tell me.");
  await vi.waitUntil(() => studio.state().messages[1]?.content === "half");
  studio.clear();
  expect(studio.state().messages).toEqual([]);
  await finished();
  expect(studio.state()).toMatchObject({ messages: [], failure: undefined });
});

describe("checking the device", () => {
  const createEngine: CreateEngine = () => Promise.reject(failure("internal"));
  const progress: CheckProgress = { phase: "check", kernel: "add", done: 1, total: 2 };

  /** A check that reports once and then waits for the test. */
  function held() {
    let finish: (diagnosis: Diagnosis | Error) => void = () => {};
    const asked: Parameters<Diagnose>[0][] = [];
    const slow: Diagnose = (options) => {
      asked.push(options);
      options.onProgress(progress);
      return new Promise((resolve, reject) => {
        finish = (end) => (end instanceof Error ? reject(end) : resolve(end));
      });
    };
    const studio = new Studio({ createEngine, diagnose: slow, inspect, models });
    return { studio, asked, finish: (end: Diagnosis | Error) => finish(end) };
  }

  it("shows how far it is, and then what was found", async () => {
    const { studio, asked, finish } = held();
    const done = studio.checkDevice();
    expect(studio.state().checking).toEqual(progress);
    await studio.checkDevice(); // one at a time
    expect(asked.map(({ speeds }) => speeds)).toEqual([true]);
    finish({ reason: "There is no WebGPU here.", kernels: [] });
    await done;
    expect(studio.state()).toMatchObject({
      checking: undefined,
      diagnosis: { reason: "There is no WebGPU here." },
    });
  });

  it("keeps what was found before when it is cancelled or fails", async () => {
    const { studio, asked, finish } = held();
    const first = studio.checkDevice();
    finish({ kernels: [] });
    await first;
    const second = studio.checkDevice();
    studio.cancelCheck();
    expect(asked[1]?.signal.aborted).toBe(true);
    expect(studio.state().checking).toBeUndefined();
    finish(failure("aborted"));
    await second;
    expect(studio.state().checkFailure).toBeUndefined();
    const third = studio.checkDevice();
    finish(failure("worker_lost"));
    await third;
    expect(studio.state()).toMatchObject({
      diagnosis: { kernels: [] },
      checkFailure: "It failed with worker_lost.",
    });
  });
});

describe("another model", () => {
  const setUp = (look: Inspect = inspect) => {
    const asked: unknown[] = [];
    const createEngine: CreateEngine = async ({ model }) => {
      asked.push(model);
      return new Script().create({} as never);
    };
    return { asked, studio: new Studio({ createEngine, diagnose, inspect: look, models }) };
  };

  it("is loaded by what was typed, or by what was picked", async () => {
    const { asked, studio } = setUp();
    studio.selectModel(otherModel);
    expect(chosenModel(studio.state())).toBeUndefined();
    await studio.load();
    expect(studio.state().phase).toBe("idle");
    studio.nameModel(" hf:org/name ");
    await studio.load();
    await studio.unload();
    const files = [new File(["x"], "x.gguf")];
    studio.pickFiles(files);
    await studio.load();
    expect(asked).toEqual(["hf:org/name", files]);
  });

  it("is looked at, and the look is forgotten with another choice", async () => {
    const { studio } = setUp();
    studio.nameModel("hf:org/name");
    await studio.lookAtModel();
    expect(studio.state()).toMatchObject({ inspection, looking: false });
    studio.selectModel("a");
    expect(studio.state().inspection).toBeUndefined();
  });

  it("ends a look that another choice overtakes, and shows why one failed", async () => {
    const signals: AbortSignal[] = [];
    let fail = (_error: Error) => {};
    const { studio } = setUp((_model, { signal }) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => {
        fail = reject;
      });
    });
    studio.nameModel("hf:org/name");
    const first = studio.lookAtModel();
    studio.nameModel("hf:org/other");
    expect([signals[0]?.aborted, studio.state().looking]).toEqual([true, false]);
    fail(new Error("late"));
    await first;
    expect(studio.state().lookFailure).toBeUndefined();
    const second = studio.lookAtModel();
    fail(failure("not_found"));
    await second;
    expect(studio.state().lookFailure).toBe("It failed with not_found.");
  });
});
