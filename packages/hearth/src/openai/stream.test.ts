import { describe, expect, it } from "vitest";
import { HearthError } from "../errors.js";
import { Stream } from "./stream.js";

async function collect<T>(stream: Stream<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

describe("Stream", () => {
  it("gives chunks in order, those before the loop too", async () => {
    const stream = new Stream<number>();
    stream.push(1);
    const collected = collect(stream);
    stream.push(2);
    await new Promise(setImmediate);
    stream.push(3);
    stream.end();
    await expect(collected).resolves.toEqual([1, 2, 3]);
    expect(stream.controller.signal.aborted).toBe(false);
  });

  it("throws the error after the chunks before it", async () => {
    const stream = new Stream<number>();
    stream.push(1);
    stream.end(new HearthError("worker_lost"));
    const seen: number[] = [];
    const loop = async () => {
      for await (const chunk of stream) seen.push(chunk);
    };
    await expect(loop()).rejects.toMatchObject({ code: "worker_lost" });
    expect(seen).toEqual([1]);
  });

  it("aborts when the loop is left", async () => {
    const stream = new Stream<number>();
    stream.push(1);
    stream.push(2);
    for await (const _ of stream) break;
    expect(stream.controller.signal.aborted).toBe(true);
  });

  it("can be iterated once", async () => {
    const stream = new Stream<number>();
    stream.end();
    await collect(stream);
    await expect(collect(stream)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
