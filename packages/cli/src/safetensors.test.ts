import { HearthError } from "hearth";
import { describe, expect, it } from "vitest";
import { halfToNumber, readSafetensors } from "./safetensors.js";

/** A safetensors file of this header and these bytes. */
export function file(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function failure(bytes: Uint8Array): { code: string; subject: string } {
  try {
    readSafetensors(bytes, "x.safetensors");
  } catch (error) {
    if (error instanceof HearthError) return { code: error.code, subject: error.subject };
    throw error;
  }
  throw new Error("it was read");
}

describe("readSafetensors", () => {
  it("reads the four types, at offsets that are no multiple of their size", () => {
    // The header's length is odd, so every typed array in the file is unaligned.
    const entry = (dtype: string, from: number, to: number) => ({
      dtype,
      shape: [1, 2],
      data_offsets: [from, to],
    });
    const header = {
      __metadata__: { format: "pt" },
      f: entry("F32", 0, 8),
      h: entry("F16", 8, 12),
      i: entry("I32", 12, 20),
      l: entry("I64", 20, 36),
    };
    let json = JSON.stringify(header);
    if (json.length % 2 === 0) json += " ";
    const data = new Uint8Array(36);
    data.set(bytesOf(Float32Array.of(1.5, Number.NEGATIVE_INFINITY)), 0);
    data.set(bytesOf(Uint16Array.of(0x3c00, 0xc100)), 8);
    data.set(bytesOf(Int32Array.of(-7, 2 ** 31 - 1)), 12);
    data.set(bytesOf(BigInt64Array.of(-1n, 2n ** 40n)), 20);

    const tensors = readSafetensors(file(json, data), "x");
    expect([...tensors.keys()]).toEqual(["f", "h", "i", "l"]);
    expect([...(tensors.get("f")?.data ?? [])]).toEqual([1.5, Number.NEGATIVE_INFINITY]);
    expect([...(tensors.get("h")?.data ?? [])]).toEqual([1, -2.5]);
    expect([...(tensors.get("i")?.data ?? [])]).toEqual([-7, 2 ** 31 - 1]);
    expect([...(tensors.get("l")?.data ?? [])]).toEqual([-1, 2 ** 40]);
    expect(tensors.get("f")?.shape).toEqual([1, 2]);
  });

  it("reads a scalar and an empty tensor", () => {
    const tensors = readSafetensors(
      file(
        {
          s: { dtype: "F32", shape: [], data_offsets: [0, 4] },
          e: { dtype: "I32", shape: [0, 3], data_offsets: [4, 4] },
        },
        bytesOf(Float32Array.of(3)),
      ),
      "x",
    );
    expect([...(tensors.get("s")?.data ?? [])]).toEqual([3]);
    expect(tensors.get("e")?.data.length).toBe(0);
  });

  it("refuses what is no such file, with a code and a name", () => {
    const one = (entry: unknown) => file({ t: entry }, new Uint8Array(8));
    expect(failure(new Uint8Array(7))).toEqual({
      code: "truncated_header",
      subject: "x.safetensors",
    });
    const huge = new Uint8Array(16).fill(0xff);
    expect(failure(huge).code).toBe("count_too_large");
    const cut = file({ t: 1 }).subarray(0, 12);
    expect(failure(cut).code).toBe("truncated_header");
    expect(failure(file("{]")).code).toBe("malformed_json");
    expect(failure(file("[1]")).code).toBe("malformed_header");
    expect(failure(one(null))).toEqual({ code: "malformed_header", subject: "t" });
    expect(failure(one({ dtype: "F32", shape: [-1], data_offsets: [0, 4] })).code).toBe(
      "malformed_header",
    );
    expect(failure(one({ dtype: "toString", shape: [1], data_offsets: [0, 4] })).code).toBe(
      "unsupported_dtype",
    );
    expect(failure(one({ dtype: "F32", shape: [3], data_offsets: [0, 12] })).code).toBe(
      "tensor_out_of_bounds",
    );
    expect(failure(one({ dtype: "F32", shape: [1], data_offsets: [4, 0] })).code).toBe(
      "tensor_out_of_bounds",
    );
    expect(failure(one({ dtype: "F32", shape: [2 ** 52], data_offsets: [0, 8] })).code).toBe(
      "shape_mismatch",
    );
  });
});

describe("halfToNumber", () => {
  it("gives normals, subnormals, zeros, infinities and NaN", () => {
    expect(halfToNumber(0x3555)).toBeCloseTo(0.33325, 5);
    expect(halfToNumber(0x7bff)).toBe(65504);
    expect(halfToNumber(0x0001)).toBe(2 ** -24);
    expect(halfToNumber(0x8000)).toBe(-0);
    expect(halfToNumber(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
    expect(halfToNumber(0x7e00)).toBeNaN();
  });
});
