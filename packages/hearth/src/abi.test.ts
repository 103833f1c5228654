// The wire format: what a Writer writes a Reader reads, whatever kind of array it lies in.

import { describe, expect, it } from "vitest";
import { Reader, Writer } from "./abi.js";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.finish();
}

describe("bytes", () => {
  it.each([
    ["Uint8Array", (bytes: Uint8Array) => new Uint8Array(bytes)],
    ["Buffer", (bytes: Uint8Array) => Buffer.from(bytes)],
  ])("are a copy of what a %s holds", (_kind, copy) => {
    const message = copy(written((writer) => writer.bytes(Uint8Array.of(1, 2, 3))));
    const bytes = new Reader(message).bytes();
    message.fill(9);
    expect([...bytes]).toEqual([1, 2, 3]);
    // A slice of a larger buffer could not be moved to another thread.
    expect(bytes.buffer.byteLength).toBe(3);
  });
});

describe("values", () => {
  it("are read as they were written, past the first growth of the buffer", () => {
    const long = `\ufeff${"ä".repeat(3000)}`;
    const message = written((writer) => {
      writer.string(long);
      writer.u64(Number.MAX_SAFE_INTEGER);
      writer.i32(-5);
      writer.f32(0.5);
      writer.f64(Math.PI);
      writer.bool(true);
      writer.list([7, 8], (value) => writer.u32(value));
    });
    const reader = new Reader(message);
    expect(reader.string()).toBe(long);
    expect(reader.u64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(reader.i32()).toBe(-5);
    expect(reader.f32()).toBe(0.5);
    expect(reader.f64()).toBe(Math.PI);
    expect(reader.bool()).toBe(true);
    expect(reader.list(() => reader.u32())).toEqual([7, 8]);
  });

  it("that end too early are an error of ours", () => {
    const message = written((writer) => writer.u32(1));
    expect(() => new Reader(message.subarray(0, 3)).u32()).toThrow(RangeError);
  });
});
