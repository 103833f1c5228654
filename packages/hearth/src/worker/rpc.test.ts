import { describe, expect, it, vi } from "vitest";
import { HearthError } from "../errors.js";
import { portPair } from "../testing/fake-core.js";
import type { FromWorker } from "./protocol.js";
import { WorkerClient } from "./rpc.js";
import { type Handlers, serve } from "./serve.js";

const none = () => Promise.reject(new HearthError("internal"));
const handlers = (own: Partial<Handlers>): Handlers => ({
  open: none,
  openTokenizer: none,
  inspect: none,
  generate: none,
  renderChat: none,
  tokenize: none,
  encode: none,
  detokenize: none,
  score: none,
  forward: none,
  benchmark: none,
  diagnose: none,
  close: async () => null,
  ...own,
});

function connected(own: Partial<Handlers> = {}) {
  const { app, worker } = portPair();
  serve(worker, handlers(own));
  return { app, worker, client: new WorkerClient(app) };
}

const text = { text: "ab", addSpecial: false, parseSpecial: false };

describe("the protocol", () => {
  it("answers each request with its own result", async () => {
    const { client } = connected({
      tokenize: async (params) => [params.text.length],
      detokenize: async () => "back",
    });
    const ids = client.send("tokenize", text);
    const back = client.send("detokenize", { ids: [], skipSpecial: false });
    await expect(Promise.all([ids, back])).resolves.toEqual([[2], "back"]);
  });

  it("carries errors with code, subject and status", async () => {
    const { client } = connected({
      tokenize: () =>
        Promise.reject(new HearthError("http_status", "No.", { subject: "x", status: 500 })),
    });
    const error = await client.send("tokenize", text).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(HearthError);
    expect(error).toMatchObject({ code: "http_status", subject: "x", status: 500, message: "No." });
  });

  it("calls what no HearthError describes internal", async () => {
    const { client } = connected({ tokenize: () => Promise.reject(new TypeError("oops")) });
    await expect(client.send("tokenize", text)).rejects.toMatchObject({
      code: "internal",
      message: "oops",
    });
  });

  it("tells the handler of an abort", async () => {
    const { client } = connected({
      score: (_, call) =>
        new Promise((_resolve, reject) => {
          call.signal.addEventListener("abort", () => reject(new HearthError("aborted")));
        }),
    });
    const controller = new AbortController();
    const score = client.send("score", { ids: [1] }, { signal: controller.signal });
    controller.abort();
    await expect(score).rejects.toMatchObject({ code: "aborted" });
  });

  it("keeps an abort that crosses the result", async () => {
    const controller = new AbortController();
    const { client } = connected({
      tokenize: async () => {
        controller.abort();
        return [1];
      },
    });
    const ids = client.send("tokenize", text, { signal: controller.signal });
    await expect(ids).rejects.toMatchObject({ code: "aborted" });
  });

  it("sends nothing for a signal that has fired", async () => {
    const { app, client } = connected();
    const post = vi.spyOn(app, "post");
    const sent = client.send("score", { ids: [1] }, { signal: AbortSignal.abort() });
    await expect(sent).rejects.toMatchObject({ code: "aborted" });
    expect(post).not.toHaveBeenCalled();
  });

  it("refuses an operation it does not know, and answers the next", async () => {
    const { app, worker, client } = connected({ tokenize: async () => [1] });
    const answers: unknown[] = [];
    const receive = app.onMessage;
    app.onMessage = (message) => {
      answers.push(message);
      receive?.(message);
    };
    for (const operation of ["launch", "toString", 5]) {
      worker.onMessage?.({ type: "request", id: 99, operation, params: null });
    }
    await expect(client.send("tokenize", text)).resolves.toEqual([1]);
    const errors = (answers as FromWorker[]).filter((answer) => answer.type === "error");
    expect(errors).toHaveLength(3);
    expect(errors.every((answer) => answer.error.code === "internal")).toBe(true);
  });

  it("ignores messages of others in the worker, and late answers in the app", async () => {
    const { app, worker, client } = connected({ tokenize: async () => [1] });
    for (const stray of [null, 5, "x", {}, { id: 1 }, { type: "hello", id: 1 }]) {
      worker.onMessage?.(stray);
    }
    app.onMessage?.({ type: "result", id: 1234, value: null });
    await expect(client.send("tokenize", text)).resolves.toEqual([1]);
  });

  it.each([[null], [7], [{ type: "surprise", id: 1 }], [{ type: "result" }]])(
    "ends at a message from the worker that is not of it: %j",
    async (stray) => {
      const { app, client } = connected({ score: () => new Promise(() => {}) });
      const score = client.send("score", { ids: [] });
      app.onMessage?.(stray);
      await expect(score).rejects.toMatchObject({ code: "internal" });
      await expect(client.send("score", { ids: [] })).rejects.toMatchObject({ code: "internal" });
    },
  );

  it("rejects what cannot be cloned", async () => {
    const { client } = connected();
    const sent = client.send("tokenize", { ...text, text: (() => 1) as never });
    await expect(sent).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("fails what is in flight when the worker is lost, and all that follows", async () => {
    const { app, client } = connected({ score: () => new Promise(() => {}) });
    const score = client.send("score", { ids: [] });
    app.onLost?.(new HearthError("worker_lost"));
    await expect(score).rejects.toMatchObject({ code: "worker_lost" });
    await expect(client.send("tokenize", text)).rejects.toMatchObject({ code: "worker_lost" });
    expect(app.terminated).toBe(1);
  });

  it("keeps the process alive only while something is in flight", async () => {
    const { app, worker } = portPair();
    serve(worker, handlers({ tokenize: async () => [1] }));
    const held: boolean[] = [];
    const client = new WorkerClient(Object.assign(app, { hold: (on: boolean) => held.push(on) }));
    await client.send("tokenize", text);
    expect(held).toEqual([false, true, false]);
  });

  it("closes: what is in flight is aborted, what follows has no engine", async () => {
    const { app, client } = connected({ score: () => new Promise(() => {}) });
    const score = client.send("score", { ids: [] });
    const closed = client.close();
    await expect(score).rejects.toMatchObject({ code: "aborted" });
    await closed;
    expect(app.terminated).toBe(1);
    await expect(client.send("tokenize", text)).rejects.toMatchObject({ code: "invalid_handle" });
    await client.close();
  });
});
