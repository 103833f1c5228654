import { describe, expect, it } from "vitest";
import {
  errorCodes,
  methods,
  readGenerationStarted,
  readSessionGenerate,
  writeStepResult,
} from "../abi.generated.js";
import { Reader, Writer } from "../abi.js";
import { decodeResponse, encodeRequest } from "./core.js";

const generation = {
  session: 7,
  prompt: "héllo ✓",
  promptIds: [1, 2 ** 32 - 1],
  maxTokens: 5,
  stop: ["\n", ""],
  stopIds: [],
  sampling: {
    temperature: 0.5,
    topK: 40,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    frequencyPenalty: -2,
    presencePenalty: 2,
    penaltyWindow: 0,
    seed: Number.MAX_SAFE_INTEGER,
    logitBias: [{ id: 3, bias: -100 }],
  },
  logprobs: -1,
};

function errorPayload(code: string): Uint8Array {
  const writer = new Writer();
  for (const text of [code, "It is bad.", "blk.0"]) writer.string(text);
  return writer.finish();
}

describe("messages", () => {
  it("come back as they were sent", () => {
    const bytes = encodeRequest("sessionGenerate", generation);
    expect(readSessionGenerate(new Reader(bytes))).toEqual(generation);
  });

  it("carry results of every kind of field", () => {
    const step = {
      phase: "decode",
      promptDone: 3,
      ids: [9],
      text: "né",
      logprobs: [{ token: { id: 9, logprob: -0.5, bytes: new Uint8Array([0xc3]) }, top: [] }],
      finishReason: "",
    };
    const writer = new Writer();
    writeStepResult(writer, step);
    expect(decodeResponse("sessionStep", 0, writer.finish())).toEqual(step);
  });

  it("number the methods in order and without gaps", () => {
    const numbers = Object.values(methods).map((method) => method.number);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it("grow the buffer for requests of any size", () => {
    const prompt = "x".repeat(100_000);
    const bytes = encodeRequest("sessionGenerate", { ...generation, prompt });
    expect(readSessionGenerate(new Reader(bytes)).prompt).toBe(prompt);
  });

  it("throw when the bytes end inside a field", () => {
    expect(() => readGenerationStarted(new Reader(new Uint8Array(6)))).toThrow(RangeError);
  });
});

describe("errors of the core", () => {
  it("keep code, sentence and subject", () => {
    const read = () => decodeResponse("sessionStep", 1, errorPayload("missing_tensor"));
    expect(read).toThrow(
      expect.objectContaining({ code: "missing_tensor", message: "It is bad.", subject: "blk.0" }),
    );
  });

  it("become internal when their code is of a newer core", () => {
    const read = (code: string) => () => decodeResponse("sessionStep", 1, errorPayload(code));
    expect(read("brand_new")).toThrow(expect.objectContaining({ code: "internal" }));
    expect(read("toString")).toThrow(expect.objectContaining({ code: "internal" }));
    expect(Object.keys(errorCodes)).toContain("internal");
  });
});
