// A small reader of safetensors for `hearth verify`: whole tensors as numbers, which the engine's own
// reader, made for streaming weights, never hands out. Format: eight bytes of header length, a JSON
// header, then the tensors' bytes (huggingface/safetensors, "Format").

import { HearthError } from "hearth";

export interface Tensor {
  name: string;
  dtype: string;
  shape: number[];
  /** Row-major. Integers of 64 bits are exact up to 2^53, which no id or shape passes. */
  data: Float32Array | Int32Array | Float64Array;
}

// The format's own limit on its header: 100 MB.
const mostHeaderBytes = 100_000_000;

/** The value of an IEEE 754 half. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

interface Decoder {
  bytes: number;
  read(view: DataView, count: number): Tensor["data"];
}

const decoders: Record<string, Decoder> = {
  F32: {
    bytes: 4,
    read: (view, n) => Float32Array.from({ length: n }, (_, i) => view.getFloat32(4 * i, true)),
  },
  F16: {
    bytes: 2,
    read: (view, n) =>
      Float32Array.from({ length: n }, (_, i) => halfToNumber(view.getUint16(2 * i, true))),
  },
  BF16: {
    bytes: 2,
    read: (view, n) => {
      // The upper half of a 32-bit float.
      const bits = Uint32Array.from({ length: n }, (_, i) => view.getUint16(2 * i, true) << 16);
      return new Float32Array(bits.buffer);
    },
  },
  I32: {
    bytes: 4,
    read: (view, n) => Int32Array.from({ length: n }, (_, i) => view.getInt32(4 * i, true)),
  },
  I64: {
    bytes: 8,
    read: (view, n) =>
      Float64Array.from({ length: n }, (_, i) => Number(view.getBigInt64(8 * i, true))),
  },
};

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function parseHeader(text: string, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw new HearthError("malformed_json", "The header is not JSON.", { subject: file, cause });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new HearthError("malformed_header", "The header is not a JSON object.", {
      subject: file,
    });
  }
  return header as Record<string, unknown>;
}

/**
 * The tensors of a safetensors file, by name. `file` is its name for messages.
 *
 * @throws HearthError `truncated_header`, `count_too_large`, `malformed_json`, `malformed_header`,
 * `unsupported_dtype`, `tensor_out_of_bounds`, `shape_mismatch`.
 */
export function readSafetensors(bytes: Uint8Array, file: string): Map<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8) {
    throw new HearthError("truncated_header", "The file is shorter than 8 bytes.", {
      subject: file,
    });
  }
  const headerBytes = view.getBigUint64(0, true);
  if (headerBytes > BigInt(mostHeaderBytes)) {
    throw new HearthError("count_too_large", `The header claims ${headerBytes} bytes.`, {
      subject: file,
    });
  }
  const start = 8 + Number(headerBytes);
  if (start > bytes.length) {
    throw new HearthError("truncated_header", "The file ends inside its header.", {
      subject: file,
    });
  }
  const header = parseHeader(new TextDecoder().decode(bytes.subarray(8, start)), file);

  const tensors = new Map<string, Tensor>();
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
    if (typeof dtype !== "string" || !isNaturals(shape) || !isNaturals(offsets)) {
      throw new HearthError("malformed_header", "The tensor has no dtype, shape and offsets.", {
        subject: name,
      });
    }
    const decoder = Object.hasOwn(decoders, dtype) ? decoders[dtype] : undefined;
    if (decoder === undefined) {
      throw new HearthError("unsupported_dtype", `References of type ${dtype} are not read.`, {
        subject: name,
      });
    }
    const [first = 0, end = -1] = offsets;
    if (offsets.length !== 2 || end < first || end > bytes.length - start) {
      throw new HearthError("tensor_out_of_bounds", "The tensor lies outside the file.", {
        subject: name,
      });
    }
    const count = shape.reduce((product, n) => product * n, 1);
    if (count * decoder.bytes !== end - first) {
      throw new HearthError("shape_mismatch", "The tensor's shape is not that of its bytes.", {
        subject: name,
      });
    }
    const data = new DataView(bytes.buffer, bytes.byteOffset + start + first, end - first);
    tensors.set(name, { name, dtype, shape, data: decoder.read(data, count) });
  }
  return tensors;
}
