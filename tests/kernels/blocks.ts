// Blocks of GGUF files: random ones, and their values, each written down from the format alone:
// element by element and in doubles, where the kernels go by words. Format:
// https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
import type { Random } from "./harness.ts";
import { halfToFloat, type Layout, randomHalf, tables } from "./weights.ts";

export interface Format {
  elements: number;
  bytes: number;
  layout: Layout;
  tableKind?: number;
  /** Where halves lie that random bytes must not make infinite. */
  halves: number[];
  value(block: DataView, i: number): number;
}

const half = (block: DataView, at: number) => halfToFloat(block.getUint16(at, true));
const byte = (block: DataView, at: number) => block.getUint8(at);

/** Nibbles of 32 elements in 16 bytes: the low ones are the first 16 elements. */
const nibble = (block: DataView, at: number, i: number) =>
  (byte(block, at + (i % 16)) >> (i < 16 ? 0 : 4)) & 15;
const bit = (block: DataView, at: number, i: number) => (byte(block, at + (i >> 3)) >> (i & 7)) & 1;

/** The scale and minimum of group g of a Q4_K or Q5_K block. */
function scaleAndMin(block: DataView, g: number): [number, number] {
  const packed = (i: number) => byte(block, 4 + i);
  if (g < 4) return [packed(g) & 63, packed(g + 4) & 63];
  return [
    (packed(g + 4) & 15) | ((packed(g - 4) >> 6) << 4),
    (packed(g + 4) >> 4) | ((packed(g) >> 6) << 4),
  ];
}

/** Element i of a K-quant's nibbles: planes of 32 bytes, of which each holds two groups of 32. */
const planeNibble = (block: DataView, at: number, i: number) =>
  (byte(block, at + (i >> 6) * 32 + (i % 32)) >> ((i >> 5) % 2 ? 4 : 0)) & 15;

/** Element i of two-bit planes: byte b of half h has elements b, b + 32, b + 64 and b + 96. */
const pair = (block: DataView, at: number, i: number) =>
  (byte(block, at + (i >> 7) * 32 + (i % 32)) >> (((i % 128) >> 5) * 2)) & 3;

export const formats: Record<string, Format> = {
  q4_0: {
    elements: 32,
    bytes: 18,
    layout: "q4",
    halves: [0],
    value: (b, i) => half(b, 0) * (nibble(b, 2, i) - 8),
  },
  q4_1: {
    elements: 32,
    bytes: 20,
    layout: "q4m",
    halves: [0, 2],
    value: (b, i) => half(b, 0) * nibble(b, 4, i) + half(b, 2),
  },
  q5_0: {
    elements: 32,
    bytes: 22,
    layout: "q8",
    halves: [0],
    value: (b, i) => half(b, 0) * ((nibble(b, 6, i) | (bit(b, 2, i) << 4)) - 16),
  },
  q5_1: {
    elements: 32,
    bytes: 24,
    layout: "q8m",
    halves: [0, 2],
    value: (b, i) => half(b, 0) * (nibble(b, 8, i) | (bit(b, 4, i) << 4)) + half(b, 2),
  },
  q8_0: {
    elements: 32,
    bytes: 34,
    layout: "q8",
    halves: [0],
    value: (b, i) => half(b, 0) * b.getInt8(2 + i),
  },
  q4_k: {
    elements: 256,
    bytes: 144,
    layout: "q4m",
    halves: [0, 2],
    value: (b, i) => {
      const [scale, min] = scaleAndMin(b, i >> 5);
      return half(b, 0) * scale * planeNibble(b, 16, i) - half(b, 2) * min;
    },
  },
  q5_k: {
    elements: 256,
    bytes: 176,
    layout: "q8m",
    halves: [0, 2],
    value: (b, i) => {
      const [scale, min] = scaleAndMin(b, i >> 5);
      const fifth = (byte(b, 16 + (i % 32)) >> (i >> 5)) & 1;
      return half(b, 0) * scale * (planeNibble(b, 48, i) | (fifth << 4)) - half(b, 2) * min;
    },
  },
  q6_k: {
    elements: 256,
    bytes: 210,
    layout: "q8m",
    halves: [208],
    value: (b, i) => {
      const within = i % 128;
      const low = (byte(b, (i >> 7) * 64 + (within % 64)) >> (within < 64 ? 0 : 4)) & 15;
      const six = low | (pair(b, 128, i) << 4);
      return half(b, 208) * b.getInt8(192 + (i >> 4)) * (six - 32);
    },
  },
  q2_k: {
    elements: 256,
    bytes: 84,
    layout: "q8m",
    halves: [80, 82],
    value: (b, i) => {
      const packed = byte(b, i >> 4);
      return half(b, 80) * (packed & 15) * pair(b, 16, i) - half(b, 82) * (packed >> 4);
    },
  },
  q3_k: {
    elements: 256,
    bytes: 110,
    layout: "q8m",
    halves: [108],
    value: (b, i) => {
      const g = i >> 4;
      const low = (byte(b, 96 + (g % 8)) >> (g < 8 ? 0 : 4)) & 15;
      const scale = low | (((byte(b, 104 + (g % 4)) >> ((g >> 2) * 2)) & 3) << 4);
      const third = (byte(b, i % 32) >> (i >> 5)) & 1;
      return half(b, 108) * (scale - 32) * ((pair(b, 32, i) | (third << 2)) - 4);
    },
  },
  iq4_nl: {
    elements: 32,
    bytes: 18,
    layout: "q4t",
    tableKind: 0,
    halves: [0],
    value: (b, i) => half(b, 0) * (tables[0]?.[nibble(b, 2, i)] as number),
  },
  iq4_xs: {
    elements: 256,
    bytes: 136,
    layout: "q4t",
    tableKind: 0,
    halves: [0],
    value: (b, i) => {
      const g = i >> 5;
      const low = (byte(b, 4 + (g >> 1)) >> ((g % 2) * 4)) & 15;
      const scale = low | (((b.getUint16(2, true) >> (2 * g)) & 3) << 4);
      const code = nibble(b, 8 + g * 16, i % 32);
      return half(b, 0) * (scale - 32) * (tables[0]?.[code] as number);
    },
  },
  mxfp4: {
    elements: 32,
    bytes: 17,
    layout: "q4t",
    tableKind: 1,
    halves: [],
    value: (b, i) => 2 ** (byte(b, 0) - 127) * (tables[1]?.[nibble(b, 1, i)] as number),
  },
};

/** Random blocks, with scales of a size that weights have. */
export function randomBlocks(
  format: Format,
  count: number,
  random: Random,
): Uint8Array<ArrayBuffer> {
  const bytes = random.bytes(count * format.bytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < count; block++) {
    const start = block * format.bytes;
    for (const at of format.halves) view.setUint16(start + at, randomHalf(random), true);
    // An exponent that floats have room around.
    if (format.halves.length === 0) view.setUint8(start, 100 + random.below(40));
  }
  return bytes;
}

export function blockValues(format: Format, bytes: Uint8Array<ArrayBuffer>): Float64Array {
  return Float64Array.from({ length: (bytes.length / format.bytes) * format.elements }, (_, i) => {
    const start = bytes.byteOffset + Math.floor(i / format.elements) * format.bytes;
    return format.value(new DataView(bytes.buffer, start, format.bytes), i % format.elements);
  });
}
