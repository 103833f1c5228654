// Bad input of every kind against the public package and the real core in Node's worker thread: each
// has its own typed error, and the same process, and where there was one the same engine, then answers.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type CompletionParamsNonStreaming,
  createEngine,
  type Engine,
  type EngineOptions,
  HearthError,
  openStore,
  type Progress,
} from "hearth";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { badModels, hugeModel } from "../support/bad-models.js";
import { alphabet, alphabetContext } from "../support/gguf.js";
import { FaultServer } from "./server.js";

const folder = mkdtempSync(join(tmpdir(), "hearth-engine-"));
const cacheDir = join(folder, "store");
const good = join(folder, "alphabet.gguf");
const package_ = new URL("../../node_modules/hearth/dist/", import.meta.url);

let server: FaultServer;
let count = 0;
/** Lets answers that are held back go, so that the server can close. */
let release: () => void;
const held = new Promise<void>((resolve) => {
  release = resolve;
});

beforeAll(async () => {
  server = await FaultServer.start();
  writeFileSync(good, alphabet());
});
afterAll(async () => {
  release();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Slower than progress is reported, and so that what was sent arrives before the connection ends. */
const slowly = { piece: 16_384, drip: 60 };

const newPath = () => `/${++count}.gguf`;

/** The baseline build on one thread: it compiles fastest, and errors do not depend on the build. */
function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const usual = { model: good, cacheDir, device: "wasm", variant: "simd", threads: 1 } as const;
  return createEngine({ ...usual, ...options });
}

async function failure(work: Promise<unknown>): Promise<HearthError> {
  const thrown = await work.then(
    () => expect.fail("it succeeded"),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(HearthError);
  const error = thrown as HearthError;
  // One sentence for people.
  expect(error.message).toMatch(/^\S.*\.$/);
  expect(error.message).not.toMatch(/\.\s+[A-Z]|\n/);
  return error;
}

/** The engine continues the alphabet, which nothing but a whole model does. */
async function expectAnswers(engine: Engine): Promise<void> {
  const answer = await engine.completions.create({ prompt: "abc", max_tokens: 5, temperature: 0 });
  expect(answer.choices[0]?.text).toBe("defgh");
  const messages = [{ role: "user" as const, content: "xy" }];
  const chat = await engine.chat.completions.create({ messages, max_tokens: 3, temperature: 0 });
  expect(chat.choices[0]?.message.content).toBe("zab");
}

/** A new engine on the same store answers. */
async function expectUsable(model = good): Promise<void> {
  const engine = await open({ model });
  try {
    await expectAnswers(engine);
  } finally {
    await engine.close();
  }
}

/** Nothing of the file was kept. */
async function expectNotStored(url: string): Promise<void> {
  const name = url.split("/").pop() ?? "";
  const entries = await (await openStore({ cacheDir })).list();
  expect(entries.filter(({ key }) => key.endsWith(`-${name}`))).toEqual([]);
}

describe("a model file with", () => {
  it.each(badModels)("$what is $code", async ({ code, subject, bytes }) => {
    const body = bytes();
    const path = newPath();
    const name = path.slice(1);
    const onDisk = join(folder, name);
    writeFileSync(onDisk, body);
    const wrong = { code, subject: subject ?? name };
    expect(await failure(open({ model: onDisk }))).toMatchObject(wrong);

    const url = server.set(path, { body });
    expect(await failure(open({ model: url }))).toMatchObject(wrong);
    await expectNotStored(url);

    // The server puts it right: what was wrong is not remembered.
    server.set(path, { body: alphabet(), etag: '"v2"' });
    await expectUsable(url);
  });
});

describe("a model larger than memory", () => {
  it("is refused by its first bytes, before its weights come", async () => {
    const { head, size } = hugeModel();
    const body = new Uint8Array(head.length + (1 << 20));
    body.set(head);
    const path = newPath();
    // The rest of the six gigabytes never comes: nothing may wait for it.
    const url = server.set(path, { body, contentLength: size, hold: held });
    const phases = new Set<string>();
    const onProgress = ({ phase }: Progress) => phases.add(phase);
    const error = await failure(open({ model: url, onProgress }));
    expect(error).toMatchObject({ code: "out_of_memory", subject: "model" });
    expect(error.message).toMatch(/needs \d{4,} MB/);
    expect(phases).not.toContain("load");
    expect(server.requests(path).length).toBe(1);
    await expectNotStored(url);
    await expectUsable();
  });

  it("is refused under a limit of the app's, from the network and from disk", async () => {
    const url = server.set(newPath(), { body: alphabet() });
    for (const model of [url, good]) {
      const error = await failure(open({ model, memoryLimit: 100_000 }));
      expect(error).toMatchObject({ code: "out_of_memory", subject: "model" });
    }
    await expectNotStored(url);
    await expectUsable(url);
  });
});

describe("a server that", () => {
  it.each([
    [404, "not_found"],
    [500, "http_status"],
  ])("answers %d is %s", async (status, code) => {
    const url = server.set(newPath(), { status, body: new Uint8Array(9), ranges: false });
    expect(await failure(open({ model: url }))).toMatchObject({ code, subject: url, status });
    await expectUsable();
  });

  it("cuts the connection half way, each time, is connection_lost, and what came is kept", async () => {
    const body = alphabet();
    const path = newPath();
    // Four answers, the first and three retries, of less than a quarter each: never all of it.
    const url = server.set(path, { body, cutAfter: Math.floor(body.length / 5), ...slowly });
    expect(await failure(open({ model: url }))).toMatchObject({
      code: "connection_lost",
      subject: url,
    });
    server.set(path, { body });
    await expectUsable(url);
    expect(server.requests(path).at(-1)?.status).toBe(206);
  });
});

describe("an engine goes on after", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await open({ contextLength: 48 });
  });
  afterAll(() => engine.close());

  const complete = (prompt: CompletionParamsNonStreaming["prompt"]) =>
    engine.completions.create({ prompt, max_tokens: 2 });
  const half = "ab\ud83d";
  const messages = (content: string) => ({ messages: [{ role: "user" as const, content }] });
  const letters = (length: number) => new Array<number>(length).fill(97);

  it.each<[string, () => Promise<unknown>, string, string]>([
    ["an empty prompt", () => complete(""), "empty_prompt", "prompt"],
    ["a prompt of no ids", () => complete([]), "empty_prompt", "prompt"],
    // A template that writes nothing around the messages leaves nothing of an empty one.
    [
      "an empty conversation",
      () => engine.chat.completions.create(messages("")),
      "empty_prompt",
      "prompt",
    ],
    ["a prompt past the context", () => complete("a".repeat(49)), "context_overflow", "prompt"],
    ["ids past the context", () => complete(letters(49)), "context_overflow", "prompt"],
    ["scoring past the context", () => engine.score(letters(49)), "context_overflow", "ids"],
    ["an id past the vocabulary", () => complete([97, 258]), "invalid_argument", "ids"],
    ["half a surrogate pair", () => engine.tokenize(half), "invalid_utf8", "text"],
    ["half a pair in a prompt", () => complete(half), "invalid_utf8", "text"],
    [
      "half a pair in a message",
      () => engine.chat.completions.create(messages(half)),
      "invalid_utf8",
      "text",
    ],
    [
      "half a pair in a stop text",
      () => engine.completions.create({ prompt: "a", stop: half }),
      "invalid_utf8",
      "stop",
    ],
  ])("%s", async (_what, work, code, subject) => {
    expect(await failure(work())).toMatchObject({ code, subject });
    await expectAnswers(engine);
  });
});

describe("an abort", () => {
  it("before anything starts", async () => {
    const signal = AbortSignal.abort();
    expect(await failure(open({ signal }))).toMatchObject({ code: "aborted" });
    await expectUsable();
  });

  it("during the download, which then goes on where it stopped", async () => {
    const body = alphabet();
    const path = newPath();
    const url = server.set(path, { body, ...slowly });
    const controller = new AbortController();
    const onProgress = ({ phase, loaded }: Progress) => {
      if (phase === "download" && loaded >= 65_536) controller.abort();
    };
    const { signal } = controller;
    expect(await failure(open({ model: url, signal, onProgress }))).toMatchObject({
      code: "aborted",
    });
    server.set(path, { body });
    await expectUsable(url);
    expect(server.requests(path).at(-1)?.status).toBe(206);
  });

  it("during the load", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = ({ phase }: Progress) => {
      if (phase === "load") controller.abort();
    };
    expect(await failure(open({ signal, onProgress }))).toMatchObject({ code: "aborted" });
    await expectUsable();
  });

  it("after the load, during a generation, once and again", async () => {
    const engine = await open();
    try {
      for (let time = 0; time < 2; time++) {
        const controller = new AbortController();
        const stream = await engine.completions.create(
          { prompt: "abc", max_tokens: 4000, temperature: 0, stream: true },
          { signal: controller.signal },
        );
        let text = "";
        const reading = async () => {
          for await (const chunk of stream) {
            text += chunk.choices[0]?.text ?? "";
            if (text.length >= 3) controller.abort();
          }
        };
        expect(await failure(reading())).toMatchObject({ code: "aborted" });
        controller.abort(); // an abort of what has ended does nothing
        expect(text.startsWith("def")).toBe(true);
        // It would have gone on for 4,000 letters.
        expect(text.length).toBeLessThan(2000);
        await expectAnswers(engine);
      }
      const late = AbortSignal.abort();
      const params = { prompt: "abc", max_tokens: 2 };
      expect(await failure(engine.completions.create(params, { signal: late }))).toMatchObject({
        code: "aborted",
      });
      await expectAnswers(engine);
    } finally {
      await engine.close();
    }
  });

  it("of one that waits its turn leaves the one before it alone", async () => {
    const engine = await open();
    try {
      const controller = new AbortController();
      const max_tokens = 60;
      const first = engine.completions.create({ prompt: "abc", max_tokens, temperature: 0 });
      const second = engine.completions.create({ prompt: "a" }, { signal: controller.signal });
      controller.abort();
      expect(await failure(second)).toMatchObject({ code: "aborted" });
      expect((await first).usage?.completion_tokens).toBe(max_tokens);
      await expectAnswers(engine);
    } finally {
      await engine.close();
    }
  });
});

describe("a worker that is killed", () => {
  /** The package's worker, which ends itself when told to on a channel. */
  const worker = join(folder, "mortal-worker.mjs");
  const channel = `hearth-${process.pid}-${Math.random()}`;
  beforeAll(() => {
    const real = new URL("node-worker.js", package_).href;
    writeFileSync(
      worker,
      `const channel = new BroadcastChannel(${JSON.stringify(channel)});
      channel.onmessage = () => process.exit(9);
      channel.unref();
      await import(${JSON.stringify(real)});`,
    );
  });
  const kill = () => {
    const sender = new BroadcastChannel(channel);
    sender.postMessage("end");
    setTimeout(() => sender.close(), 1000).unref();
  };

  it("fails what is in flight and what comes later with worker_lost", async () => {
    const assets = { worker, wasm: fileURLToPath(new URL("wasm/", package_)) };
    const engine = await open({ assets });
    await expectAnswers(engine);
    const params = { prompt: "abc", max_tokens: alphabetContext - 3, n: 100 };
    const inFlight = failure(engine.completions.create(params));
    kill();
    expect(await inFlight).toMatchObject({ code: "worker_lost" });
    expect(await failure(engine.tokenize("a"))).toMatchObject({ code: "worker_lost" });
    await engine.close();
    await expectUsable();
  });
});
