// Finding models over HTTP, against a server of the test's own that speaks as Hugging Face does.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "../store/file-store.js";
import { MemoryBackend } from "../store/memory.js";
import { allFiles } from "./model-files.js";
import { RemoteFile } from "./remote.js";
import { resolveModel } from "./resolve.js";

const sha = "0123456789abcdef0123456789abcdef01234567";
const hash = "b".repeat(64);

const listing = {
  sha,
  cardData: { license: "mit" },
  siblings: [
    { rfilename: "README.md", size: 9 },
    { rfilename: "config.json", size: 11 },
    { rfilename: "chat_template.jinja", size: 3 },
    { rfilename: "model.safetensors", size: 1000, lfs: { sha256: hash, size: 1000 } },
    { rfilename: "gguf/m-Q4_0.gguf", size: 500, lfs: { sha256: "c".repeat(64), size: 500 } },
    { rfilename: "gguf/m-Q8_0.gguf", size: 900 },
  ],
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answers: Record<string, Answer>;
let asked: { url: string; token: string | undefined; range: string | undefined }[];
let endpoint: string;
let server: ReturnType<typeof createServer>;

const json =
  (value: unknown): Answer =>
  (_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(value));
  };

beforeEach(async () => {
  answers = {};
  asked = [];
  server = createServer((request, response) => {
    const { url = "", headers } = request;
    asked.push({ url, token: headers.authorization, range: headers.range });
    const answer = answers[url.split("?")[0] ?? ""];
    if (answer) return answer(request, response);
    response.statusCode = 404;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe("hf:", () => {
  const at = "/api/models/org/name/revision/main";

  it("lists the repository and pins every file to its commit", async () => {
    answers[at] = json(listing);
    const files = await resolveModel("hf:org/name", { huggingFace: { endpoint } });
    expect(files).toMatchObject({
      name: "name",
      license: "mit",
      weights: [
        {
          key: `${hash.slice(0, 12)}-model.safetensors`,
          name: "model.safetensors",
          size: 1000,
          sha256: hash,
          urls: [`${endpoint}/org/name/resolve/${sha}/model.safetensors`],
        },
      ],
      config: { size: 11, urls: [`${endpoint}/org/name/resolve/${sha}/config.json`] },
      chatTemplate: { size: 3 },
    });
    expect(files.tokenizer).toBeUndefined();
    expect(asked.map(({ url }) => url)).toEqual([`${at}?blobs=true`]);
  });

  it.each([
    ["hf:org/name:gguf/m-Q8_0.gguf", "gguf/m-Q8_0.gguf"],
    ["hf:org/name:Q8_0", "gguf/m-Q8_0.gguf"],
    ["hf:org/name:gguf/", "gguf/m-Q4_0.gguf"],
  ])("takes what %s names", async (model, path) => {
    answers[at] = json(listing);
    const { weights } = await resolveModel(model, { huggingFace: { endpoint } });
    expect(weights.map(({ urls }) => urls)).toEqual([
      [`${endpoint}/org/name/resolve/${sha}/${path}`],
    ]);
  });

  it("reads the index of shards, and says the token to that server", async () => {
    const index = "model.safetensors.index.json";
    const siblings = [index, "a.safetensors", "b.safetensors"].map((rfilename) => ({ rfilename }));
    answers["/api/models/org/name/revision/v1%2Fx"] = json({ sha, siblings });
    answers[`/org/name/resolve/${sha}/${index}`] = json({
      weight_map: { x: "a.safetensors", y: "b.safetensors" },
    });
    const huggingFace = { endpoint, token: "secret" };
    const files = await resolveModel("hf:org/name@v1/x", { huggingFace });
    expect(files.weights.map(({ name, token }) => [name, token])).toEqual([
      ["a.safetensors", "secret"],
      ["b.safetensors", "secret"],
    ]);
    expect(asked.map(({ token }) => token)).toEqual(["Bearer secret", "Bearer secret"]);
  });

  it.each([
    ["not_found", 404],
    ["http_status", 401],
    ["http_status", 500],
  ])("fails with %s for status %d", async (code, status) => {
    answers[at] = (_request, response) => {
      response.statusCode = status;
      response.end();
    };
    const failed = resolveModel("hf:org/name", { huggingFace: { endpoint } });
    await expect(failed).rejects.toMatchObject({ code, status });
  });

  it.each([
    null,
    [],
    { sha: "main", siblings: [] },
    { sha, siblings: [{}] },
    { sha, siblings: [{ rfilename: "../x.gguf" }] },
  ])("refuses the listing %j", async (value) => {
    answers[at] = json(value);
    const failed = resolveModel("hf:org/name", { huggingFace: { endpoint } });
    await expect(failed).rejects.toMatchObject({ code: "malformed_json" });
  });

  it("needs no connection for a model that is here, and keeps no token", async () => {
    const store = new FileStore(new MemoryBackend());
    answers[at] = json(listing);
    const context = { store, huggingFace: { endpoint, token: "secret" } };
    const files = await resolveModel("hf:org/name", context);
    const again = () => resolveModel("hf:org/name", context);
    expect(await again()).toEqual(files);
    expect(asked.length).toBe(2); // not here yet, so asked again
    for (const { key, size = 1 } of allFiles(files)) {
      await store.setNote(key, { size, sha256: hash, url: "" });
    }
    expect(await again()).toEqual(files);
    expect(asked.length).toBe(2);
    await resolveModel("hf:org/name", { ...context, refresh: true });
    expect(asked.length).toBe(3);
    const memos = await store.backend.list("memos");
    const texts = await Promise.all(memos.map(({ name }) => store.backend.readText("memos", name)));
    expect(texts.length).toBe(1);
    expect(texts.join()).not.toContain("secret");
  });

  it("goes on with what it knows when nobody can be reached", async () => {
    const store = new FileStore(new MemoryBackend());
    answers[at] = json(listing);
    const context = { store, huggingFace: { endpoint } };
    const files = await resolveModel("hf:org/name", context);
    answers[at] = (request) => request.socket.destroy();
    expect(await resolveModel("hf:org/name", context)).toEqual(files);
    const other = resolveModel("hf:org/other", {
      ...context,
      huggingFace: { endpoint: "http://127.0.0.1:1" },
    });
    await expect(other).rejects.toMatchObject({ code: "connection_lost" });
  });
});

describe("an address", () => {
  it("may be of a folder, with or without an index", async () => {
    const one = await resolveModel(`${endpoint}/some/folder/?key=1`);
    expect(one.name).toBe("folder");
    expect(one.weights.map(({ urls }) => urls[0])).toEqual([
      `${endpoint}/some/folder/model.safetensors?key=1`,
    ]);
    expect(one.config?.urls).toEqual([`${endpoint}/some/folder/config.json?key=1`]);
    expect([one.tokenizer, one.tokenizerConfig, one.chatTemplate]).toEqual(
      Array(3).fill(undefined),
    );
    answers["/some/folder/model.safetensors.index.json"] = json({
      weight_map: { x: "s 1.safetensors" },
    });
    answers["/some/folder/chat_template.jinja"] = json("");
    const sharded = await resolveModel(`${endpoint}/some/folder/`);
    expect(sharded.weights.map(({ urls }) => urls[0])).toEqual([
      `${endpoint}/some/folder/s%201.safetensors`,
    ]);
    expect(sharded.chatTemplate?.name).toBe("chat_template.jinja");
  });

  it("of one part means all of them", async () => {
    const { weights, config } = await resolveModel(`${endpoint}/m-00001-of-00002.gguf`);
    expect(weights.map(({ name }) => name)).toEqual([
      "m-00001-of-00002.gguf",
      "m-00002-of-00002.gguf",
    ]);
    expect(config).toBeUndefined();
  });
});

describe("RemoteFile", () => {
  const content = Uint8Array.from({ length: 200_000 }, (_, i) => i * 7);
  const source = () => ({ key: "k", name: "m.gguf", urls: [`${endpoint}/m.gguf`] });
  const ranged: Answer = (request, response) => {
    const [, from = 0, to = 0] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    const end = Math.min(Number(to), content.length - 1);
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${from}-${end}/${content.length}`);
    response.end(content.subarray(Number(from), end + 1));
  };

  it("reads no more than it is asked for", async () => {
    answers["/m.gguf"] = ranged;
    const file = await RemoteFile.open(source());
    expect(file.size).toBe(content.length);
    const into = new Uint8Array(100);
    expect(await file.read(into, 70_000)).toBe(100);
    expect(into).toEqual(content.slice(70_000, 70_100));
    expect(await file.read(into, content.length - 10)).toBe(10);
    expect(await file.read(into, content.length)).toBe(0);
    expect(file.fetchedBytes).toBe(content.length);
    expect(asked.map(({ range }) => range)).toEqual([
      "bytes=0-65535",
      "bytes=65536-70099",
      "bytes=70100-199999",
    ]);
  });

  it("takes the start of what a server without ranges sends", async () => {
    answers["/m.gguf"] = (_request, response) => {
      response.setHeader("content-length", content.length);
      response.end(content);
    };
    const file = await RemoteFile.open(source());
    const into = new Uint8Array(100);
    expect(await file.read(into, 70_000)).toBe(100);
    expect(into).toEqual(content.slice(70_000, 70_100));
    expect(file.fetchedBytes).toBe(70_100);
  });

  it("goes on to the next address, and names the last that failed", async () => {
    answers["/m.gguf"] = ranged;
    const urls = [`${endpoint}/none`, ...source().urls];
    expect((await RemoteFile.open({ ...source(), urls })).size).toBe(content.length);
    const gone = RemoteFile.open({ ...source(), urls: [`${endpoint}/none`] });
    await expect(gone).rejects.toMatchObject({ code: "not_found", subject: `${endpoint}/none` });
    const nowhere = RemoteFile.open({ ...source(), urls: ["pypi:x@1:y"] });
    await expect(nowhere).rejects.toMatchObject({ code: "not_found", subject: "m.gguf" });
  });

  it("fails when the file changes or the server says no size", async () => {
    answers["/m.gguf"] = ranged;
    const file = await RemoteFile.open(source());
    answers["/m.gguf"] = (_request, response) => {
      response.statusCode = 206;
      response.setHeader("content-range", "bytes 65536-65537/65538");
      response.end("xx");
    };
    await expect(file.read(new Uint8Array(1), 70_000)).rejects.toMatchObject({
      code: "connection_lost",
    });
    answers["/m.gguf"] = (_request, response) => {
      response.statusCode = 206;
      response.end("xx");
    };
    await expect(RemoteFile.open(source())).rejects.toMatchObject({ code: "http_status" });
  });
});
