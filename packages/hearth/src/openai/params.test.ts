import { describe, expect, it } from "vitest";
import { checkChat, checkCompletion } from "./params.js";

const messages = [{ role: "user", content: "Hi" }];
const chat = (more: object) => checkChat({ messages, ...more });

describe("checkChat", () => {
  it("has OpenAI's defaults", () => {
    const { generate, ...rest } = chat({});
    expect(rest).toEqual({ n: 1, stream: false, includeUsage: false });
    expect(generate).toMatchObject({ maxTokens: 0, stop: [], logprobs: -1 });
    expect(generate.sampling).toMatchObject({
      temperature: 1,
      topP: 1,
      topK: 0,
      minP: 0,
      repetitionPenalty: 1,
      frequencyPenalty: 0,
      presencePenalty: 0,
      logitBias: [],
    });
  });

  it("draws a new seed each time, and keeps one that is given", () => {
    const seeds = [chat({}), chat({})].map((request) => request.generate.sampling.seed);
    expect(seeds[0]).not.toBe(seeds[1]);
    expect(seeds.every(Number.isSafeInteger)).toBe(true);
    expect(chat({ seed: 0 }).generate.sampling.seed).toBe(0);
  });

  it("passes everything on", () => {
    const { generate, ...rest } = chat({
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.05,
      repetition_penalty: 1.1,
      frequency_penalty: -2,
      presence_penalty: 2,
      logit_bias: { "50256": -100 },
      stop: "END",
      max_completion_tokens: 7,
      max_tokens: 9,
      logprobs: true,
      top_logprobs: 3,
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(rest).toEqual({ n: 2, stream: true, includeUsage: true });
    expect(generate).toMatchObject({ stop: ["END"], maxTokens: 7, logprobs: 3 });
    expect(generate.sampling).toMatchObject({
      temperature: 0,
      topP: 0.9,
      topK: 40,
      minP: 0.05,
      repetitionPenalty: 1.1,
      frequencyPenalty: -2,
      presencePenalty: 2,
      logitBias: [{ id: 50256, bias: -100 }],
    });
  });

  it("takes null for absent", () => {
    const absent = { temperature: null, stop: null, tools: null, max_tokens: null, n: null };
    expect(chat(absent).generate.sampling.temperature).toBe(1);
  });

  it("joins text parts, and reads developer as system", () => {
    const content = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    const { generate } = checkChat({ messages: [{ role: "developer", content, name: "x" }] });
    expect(generate.prompt).toEqual({
      kind: "chat",
      messages: [{ role: "system", content: "ab", name: "x" }],
    });
  });

  it.each([
    ["temperature", { temperature: 2.1 }],
    ["temperature", { temperature: Number.NaN }],
    ["temperature", { temperature: "1" }],
    ["top_p", { top_p: -0.1 }],
    ["top_k", { top_k: 1.5 }],
    ["min_p", { min_p: 1.1 }],
    ["repetition_penalty", { repetition_penalty: 0 }],
    ["frequency_penalty", { frequency_penalty: 3 }],
    ["presence_penalty", { presence_penalty: -3 }],
    ["max_tokens", { max_tokens: 0 }],
    ["max_completion_tokens", { max_completion_tokens: -1 }],
    ["n", { n: 0 }],
    ["n", { n: 129 }],
    ["seed", { seed: 0.5 }],
    ["seed", { seed: 2 ** 60 }],
    ["stop", { stop: "" }],
    ["stop", { stop: [1] }],
    ["stop", { stop: new Array(17).fill("x") }],
    ["logit_bias", { logit_bias: [1] }],
    ["logit_bias", { logit_bias: { hello: 1 } }],
    ["logit_bias", { logit_bias: { "99999999999": 1 } }],
    ["logit_bias", { logit_bias: { "1": 101 } }],
    ["logit_bias", { logit_bias: { "1": null } }],
    ["logprobs", { logprobs: 1 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
    ["top_logprobs", { top_logprobs: 1 }],
    ["stream", { stream: "yes" }],
    ["stream_options", { stream_options: { include_usage: true } }],
    ["stream_options", { stream: true, stream_options: 1 }],
    ["stream_options.include_usage", { stream: true, stream_options: { include_usage: 1 } }],
    ["messages", { messages: [] }],
    ["messages", { messages: "Hi" }],
    ["messages[0]", { messages: ["Hi"] }],
    ["messages[0].role", { messages: [{ role: "wizard", content: "" }] }],
    ["messages[0].role", { messages: [{ role: "constructor", content: "" }] }],
    ["messages[0].role", { messages: [{ content: "" }] }],
    ["messages[0].role", { messages: [{ role: "tool", content: "" }] }],
    ["messages[1].content", { messages: [...messages, { role: "user" }] }],
    ["messages[0].content[0]", { messages: [{ role: "user", content: ["x"] }] }],
    [
      "messages[0].content[0].type",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
    ],
    ["messages[0].content[0].text", { messages: [{ role: "user", content: [{ type: "text" }] }] }],
    ["messages[0].name", { messages: [{ role: "user", content: "", name: 1 }] }],
    [
      "messages[0].tool_calls",
      { messages: [{ role: "assistant", content: "", tool_calls: [{}] }] },
    ],
    ["tools", { tools: [{ type: "function" }] }],
    ["tool_choice", { tool_choice: "auto" }],
    ["response_format", { response_format: { type: "json_object" } }],
    ["modalities", { modalities: ["text", "audio"] }],
    ["reasoning_effort", { reasoning_effort: "low" }],
    ["temprature", { temprature: 1 }],
  ])("names %s for %j", (subject, params) => {
    expect(() => chat(params)).toThrow(
      expect.objectContaining({ code: "invalid_argument", subject }),
    );
  });

  it("lets what asks for nothing pass", () => {
    const nothing = {
      tools: [],
      tool_choice: "none",
      response_format: { type: "text" },
      modalities: ["text"],
      user: "me",
      model: "gpt-4o",
      metadata: {},
      store: false,
    };
    expect(chat(nothing).n).toBe(1);
  });

  it("takes no parameters for an argument", () => {
    expect(() => checkChat(undefined)).toThrow(expect.objectContaining({ subject: "params" }));
  });
});

describe("checkCompletion", () => {
  it("continues text or ids, 16 tokens unless told otherwise", () => {
    expect(checkCompletion({ prompt: "Once" }).generate).toMatchObject({
      prompt: { kind: "text", text: "Once" },
      maxTokens: 16,
    });
    expect(checkCompletion({ prompt: [1, 2], max_tokens: 3 }).generate).toMatchObject({
      prompt: { kind: "ids", ids: [1, 2] },
      maxTokens: 3,
    });
  });

  it.each([
    ["prompt", {}],
    ["prompt", { prompt: [1.5] }],
    ["prompt", { prompt: [-1] }],
    ["prompt", { prompt: ["a", "b"] }],
    ["max_tokens", { prompt: "", max_tokens: 0 }],
    ["echo", { prompt: "", echo: true }],
    ["suffix", { prompt: "", suffix: "." }],
    ["logprobs", { prompt: "", logprobs: 2 }],
    ["messages", { prompt: "", messages }],
  ])("names %s for %j", (subject, params) => {
    expect(() => checkCompletion(params)).toThrow(
      expect.objectContaining({ code: "invalid_argument", subject }),
    );
  });
});
