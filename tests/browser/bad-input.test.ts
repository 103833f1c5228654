/**
 * Bad input of every kind against the public package in Chromium, as a page uses it: each has its own
 * typed error, and the same page, and where there was one the same engine, then answers. The list is
 * that of tests/faults/engine.test.ts, which says more of each.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as Hearth from "../../packages/hearth/src/index.js";
import { FaultServer } from "../faults/server.js";
import { badModels, hugeModel } from "../support/bad-models.js";
import { alphabet } from "../support/gguf.js";
import { type Chromium, launch } from "./harness.js";

const dist = fileURLToPath(new URL("../../packages/hearth/dist/", import.meta.url));
const files = ["index.js", "worker.js", "thread.js", "wasm/hearth-simd.wasm"];
const threaded = "wasm/hearth-relaxed-mt.wasm";

const html = `<!doctype html><title>bad input</title><link rel="icon" href="data:,">
<script type="module">
  import * as hearth from "/hearth/index.js";
  globalThis.hearth = hearth;
  const asks = navigator.storage.persist.bind(navigator.storage);
  globalThis.asked = 0;
  navigator.storage.persist = () => {
    globalThis.asked++;
    return asks();
  };
  // Fails as a crash of the engine's own script does, when told to.
  globalThis.mortalWorker = URL.createObjectURL(new Blob([\`
    new BroadcastChannel("end").onmessage = () => { throw new Error("It was killed."); };
    const early = []; // requests that come while the engine's script does
    onmessage = (event) => early.push(event);
    await import("\${new URL("/hearth/worker.js", location.href)}");
    for (const event of early) onmessage(event);
  \`], { type: "text/javascript" }));
</script>`;

/** What the page says of an error. */
interface Thrown {
  typed: boolean;
  code: string;
  subject: string;
  message: string;
  status: number | undefined;
}
type Scope = {
  hearth: typeof Hearth;
  asked: number;
  mortalWorker: string;
  engine: Hearth.Engine;
};

let browser: Chromium;
let server: FaultServer;
let page: Page;
let good: string;
let count = 0;
let release: () => void;
const held = new Promise<void>((resolve) => {
  release = resolve;
});

beforeAll(async () => {
  browser = await launch();
  server = await FaultServer.start();
  for (const file of [...files, threaded]) {
    const contentType = file.endsWith(".js") ? "text/javascript" : "application/wasm";
    server.set(`/hearth/${file}`, { body: await readFile(dist + file), contentType });
  }
  server.set("/", { body: new TextEncoder().encode(html), contentType: "text/html" });
  good = server.set("/alphabet.gguf", { body: alphabet() });
  page = await browser.context.newPage();
  await page.goto(server.origin);
  await page.waitForFunction(() => "hearth" in globalThis);
});
afterAll(async () => {
  release();
  await browser?.close();
  await server?.close();
});

/** Slower than progress is reported, and so that what was sent arrives before the connection ends. */
const slowly = { piece: 16_384, drip: 60 };

const newPath = () => `/${++count}.gguf`;

/** Opening fails; the page's signal fires once `abortIn` is reached. */
async function openFails(
  options: { model: string; memoryLimit?: number },
  abortIn?: "start" | "download" | "load",
): Promise<Thrown> {
  const thrown = await page.evaluate(
    async ([given, when]) => {
      const { hearth } = globalThis as unknown as Scope;
      const controller = new AbortController();
      if (when === "start") controller.abort();
      try {
        const engine = await hearth.createEngine({
          ...given,
          variant: "simd",
          threads: 1,
          signal: controller.signal,
          onProgress: ({ phase, loaded }) => {
            if (phase === when && (phase === "load" || loaded >= 65_536)) controller.abort();
          },
        });
        await engine.close();
        return undefined;
      } catch (error) {
        const { code, subject, message, status } = error as Hearth.HearthError;
        return { typed: error instanceof hearth.HearthError, code, subject, message, status };
      }
    },
    [options, abortIn] as const,
  );
  return checked(thrown);
}

function checked(thrown: Thrown | undefined): Thrown {
  if (!thrown) return expect.fail("it succeeded");
  expect(thrown.typed).toBe(true);
  expect(thrown.message).toMatch(/^\S.*\.$/);
  return thrown;
}

/** A new engine answers: with the build for threads, when asked to. */
async function expectUsable(model = good, threads = false): Promise<void> {
  const text = await page.evaluate(
    async ([from, all]) => {
      const { hearth } = globalThis as unknown as Scope;
      const simd = { variant: "simd", threads: 1 } as const;
      const engine = await hearth.createEngine({ model: from, ...(all ? {} : simd) });
      try {
        const params = { prompt: "abc", max_tokens: 5, temperature: 0 };
        return (await engine.completions.create(params)).choices[0]?.text;
      } finally {
        await engine.close();
      }
    },
    [model, threads] as const,
  );
  expect(text).toBe("defgh");
}

/** Keys in the page's store that end in this name. */
const stored = (name: string) =>
  page.evaluate(async (ending) => {
    const entries = await (await (globalThis as unknown as Scope).hearth.openStore()).list();
    return entries.map(({ key }) => key).filter((key) => key.endsWith(`-${ending}`));
  }, name);

it("answers on threads, and asks the browser to keep the store", async () => {
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await expectUsable(good, true);
  expect(await page.evaluate(() => (globalThis as unknown as Scope).asked)).toBe(1);
});

describe("a model file with", () => {
  it.each(badModels)("$what is $code", async ({ code, subject, bytes }) => {
    const path = newPath();
    const model = server.set(path, { body: bytes() });
    const wrong = { code, subject: subject ?? path.slice(1) };
    expect(await openFails({ model })).toMatchObject(wrong);
    expect(await stored(path.slice(1))).toEqual([]);
    server.set(path, { body: alphabet(), etag: '"v2"' });
    await expectUsable(model);
  });
});

it("refuses a model larger than memory by its first bytes", async () => {
  const { head, size } = hugeModel();
  const body = new Uint8Array(head.length + (1 << 20));
  body.set(head);
  const path = newPath();
  const model = server.set(path, { body, contentLength: size, hold: held });
  expect(await openFails({ model })).toMatchObject({ code: "out_of_memory", subject: "model" });
  expect(await stored(path.slice(1))).toEqual([]);
  expect(await openFails({ model: good, memoryLimit: 100_000 })).toMatchObject({
    code: "out_of_memory",
  });
  await expectUsable();
});

describe("a server that", () => {
  it.each([
    [404, "not_found"],
    [500, "http_status"],
  ])("answers %d is %s", async (status, code) => {
    const model = server.set(newPath(), { status, body: new Uint8Array(9), ranges: false });
    expect(await openFails({ model })).toMatchObject({ code, subject: model, status });
    await expectUsable();
  });

  it("cuts the connection each time is connection_lost, and what came is kept", async () => {
    const body = alphabet();
    const path = newPath();
    const model = server.set(path, { body, cutAfter: Math.floor(body.length / 5), ...slowly });
    expect(await openFails({ model })).toMatchObject({ code: "connection_lost", subject: model });
    server.set(path, { body });
    await expectUsable(model);
    expect(server.requests(path).at(-1)?.status).toBe(206);
  });
});

describe("an abort", () => {
  it("before anything starts", async () => {
    expect(await openFails({ model: good }, "start")).toMatchObject({ code: "aborted" });
    await expectUsable();
  });

  it("during the download, which then goes on where it stopped", async () => {
    const body = alphabet();
    const path = newPath();
    const model = server.set(path, { body, ...slowly });
    expect(await openFails({ model }, "download")).toMatchObject({ code: "aborted" });
    server.set(path, { body });
    await expectUsable(model);
    expect(server.requests(path).at(-1)?.status).toBe(206);
  });

  it("during the load", async () => {
    expect(await openFails({ model: good }, "load")).toMatchObject({ code: "aborted" });
    await expectUsable();
  });
});

describe("one engine goes on after", () => {
  /** Runs a request of the page's engine that must fail. */
  async function fails(
    request: { prompt: string | number[]; max_tokens?: number },
    abortAfter?: number,
  ): Promise<Thrown & { text: string }> {
    const outcome = await page.evaluate(
      async ([params, letters]) => {
        const { hearth, engine } = globalThis as unknown as Scope;
        const controller = new AbortController();
        let text = "";
        try {
          const stream = await engine.completions.create(
            { ...params, temperature: 0, stream: true },
            { signal: controller.signal },
          );
          for await (const chunk of stream) {
            text += chunk.choices[0]?.text ?? "";
            if (text.length >= (letters ?? Number.POSITIVE_INFINITY)) controller.abort();
          }
          return undefined;
        } catch (error) {
          const { code, subject, message, status } = error as Hearth.HearthError;
          const typed = error instanceof hearth.HearthError;
          return { typed, code, subject, message, status, text };
        }
      },
      [request, abortAfter] as const,
    );
    checked(outcome);
    return outcome as Thrown & { text: string };
  }

  async function expectAnswers(): Promise<void> {
    const text = await page.evaluate(async () => {
      const { engine } = globalThis as unknown as Scope;
      const params = { prompt: "abc", max_tokens: 5, temperature: 0 };
      return (await engine.completions.create(params)).choices[0]?.text;
    });
    expect(text).toBe("defgh");
  }

  beforeAll(async () => {
    await page.evaluate(async (model) => {
      const scope = globalThis as unknown as Scope;
      const assets = { worker: scope.mortalWorker };
      const simd = { variant: "simd", threads: 1 } as const;
      scope.engine = await scope.hearth.createEngine({ model, ...simd, assets });
    }, good);
  });

  it.each([
    ["an empty prompt", "", "empty_prompt", "prompt"],
    ["a prompt of no ids", [], "empty_prompt", "prompt"],
    ["a prompt past the context", "a".repeat(5000), "context_overflow", "prompt"],
    ["half a surrogate pair", "ab\ud83d", "invalid_utf8", "text"],
  ])("%s", async (_what, prompt, code, subject) => {
    expect(await fails({ prompt })).toMatchObject({ code, subject });
    await expectAnswers();
  });

  it("bytes that are no UTF-8 are read as TextDecoder does", async () => {
    const [ids, wanted] = await page.evaluate(async () => {
      const { engine } = globalThis as unknown as Scope;
      return [
        await engine.tokenize(Uint8Array.of(97, 0xff, 98)),
        await engine.tokenize("a\uFFFDb"),
      ];
    });
    expect(ids?.length).toBeGreaterThan(2);
    expect(ids).toEqual(wanted);
    await expectAnswers();
  });

  it("an abort during a generation, and a second one", async () => {
    for (let time = 0; time < 2; time++) {
      const { code, text } = await fails({ prompt: "abc", max_tokens: 4000 }, 3);
      expect(code).toBe("aborted");
      expect(text.startsWith("def")).toBe(true);
      expect(text.length).toBeLessThan(2000);
      await expectAnswers();
    }
  });

  it("nothing, once its worker is lost; but the page's next engine answers", async () => {
    const lost = page.evaluate(async () => {
      const { engine } = globalThis as unknown as Scope;
      const codes: string[] = [];
      const note = (error: Hearth.HearthError) => codes.push(error.code);
      const inFlight = engine.completions.create({ prompt: "abc", max_tokens: 4000, n: 100 });
      new BroadcastChannel("end").postMessage(null);
      await inFlight.catch(note);
      await engine.tokenize("a").catch(note);
      return codes;
    });
    expect(await lost).toEqual(["worker_lost", "worker_lost"]);
    await expectUsable();
  });
});
