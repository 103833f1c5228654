// Matrices in the layouts that core/src/gpu/kernels/README.md tells of: random ones, and their
// values.
import type { Random } from "./harness.ts";

export const layouts = ["f32", "f16", "bf16", "q4", "q4m", "q4t", "q8", "q8m"] as const;
export type Layout = (typeof layouts)[number];

export interface Planes {
  codes: Uint8Array<ArrayBuffer>;
  scales: Uint8Array<ArrayBuffer>;
}

export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A half of either sign, in [2^-7, 2^-4): of the size of weights' scales. */
export function randomHalf(random: Random): number {
  return (random.below(2) << 15) | ((8 + random.below(3)) << 10) | random.below(1024);
}

const iq4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
export const tables = [iq4, [...e2m1, ...e2m1.map((value) => -value)]];

/**
 * Random planes of `count` elements, a multiple of 32. With `zeroPoints`, for `q4m` and `q8m`, the
 * scales' upper halves are whole numbers among the codes.
 */
export function randomPlanes(
  layout: Layout,
  count: number,
  random: Random,
  zeroPoints = false,
): Planes {
  const planes = randomTerms(layout, count, random);
  if (zeroPoints) {
    const halves = new Uint16Array(planes.scales.buffer);
    for (let i = 1; i < halves.length; i += 2) {
      halves[i] = halfOf(layout === "q4m" ? random.below(16) : random.below(256) - 128);
    }
  }
  return planes;
}

/** The half that is a whole number of at most 11 bits. */
export function halfOf(whole: number): number {
  if (whole === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(whole)));
  const fraction = (Math.abs(whole) / 2 ** exponent - 1) * 1024;
  return (whole < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

function randomTerms(layout: Layout, count: number, random: Random): Planes {
  const halves = (n: number) =>
    // Even, as planes are bound in words.
    Uint16Array.from({ length: n + (n % 2) }, () => randomHalf(random));
  const bytes = (array: ArrayBufferView<ArrayBuffer>) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const none = new Uint8Array(256);
  switch (layout) {
    case "f32":
      return { codes: bytes(random.floats(count)), scales: none };
    case "f16":
      return { codes: bytes(halves(count)), scales: none };
    case "bf16": {
      const floats = new Uint32Array(random.floats(count).buffer);
      return { codes: bytes(Uint16Array.from(floats, (bits) => bits >>> 16)), scales: none };
    }
    case "q4":
      return { codes: random.bytes(count / 2), scales: bytes(halves(count / 32)) };
    case "q4m":
      return { codes: random.bytes(count / 2), scales: bytes(halves(count / 16)) };
    case "q4t":
      return { codes: random.bytes(count / 2), scales: bytes(random.floats(count / 32)) };
    case "q8":
      return { codes: random.bytes(count), scales: bytes(halves(count / 32)) };
    case "q8m":
      return { codes: random.bytes(count), scales: bytes(halves(count / 8)) };
  }
}

export interface Decoded {
  values: Float64Array;
  /**
   * The size of the terms that each value is the sum of: what its rounding errors are relative to.
   */
  sizes: Float64Array;
}

export interface Meaning {
  /** Of `q4t`'s codes. */
  tableKind?: number | undefined;
  /** Of the upper halves of `q4m`'s and `q8m`'s scales. */
  zeroPoints?: boolean | undefined;
}

/** The values of planes, as README.md has them. */
export function decode(
  layout: Layout,
  planes: Planes,
  count: number,
  { tableKind = 0, zeroPoints = false }: Meaning = {},
): Decoded {
  const { codes, scales } = planes;
  const code = new DataView(codes.buffer, codes.byteOffset, codes.byteLength);
  const scale = new DataView(scales.buffer, scales.byteOffset, scales.byteLength);
  const half = (i: number) => halfToFloat(scale.getUint16(2 * i, true));
  const table = tables[tableKind] as number[];
  const nibble = (i: number) =>
    (code.getUint8(Math.floor(i / 32) * 16 + (i % 16)) >> (i % 32 < 16 ? 0 : 4)) & 15;
  const block = (i: number) => Math.floor(i / 32);
  const bfloat = (bits: number) => new Float32Array(new Uint32Array([bits << 16]).buffer)[0];
  const least = (i: number) => (zeroPoints ? -half(i) * half(i + 1) : half(i + 1));
  // Of each value two terms: kernels may add them up apart.
  const terms: (i: number) => [number, number] = {
    f32: (i: number): [number, number] => [code.getFloat32(4 * i, true), 0],
    f16: (i: number): [number, number] => [halfToFloat(code.getUint16(2 * i, true)), 0],
    bf16: (i: number): [number, number] => [bfloat(code.getUint16(2 * i, true)) as number, 0],
    q4: (i: number): [number, number] => [half(block(i)) * nibble(i), half(block(i)) * -8],
    q4m: (i: number): [number, number] => [half(2 * block(i)) * nibble(i), least(2 * block(i))],
    q4t: (i: number): [number, number] => [
      scale.getFloat32(4 * block(i), true) * (table[nibble(i)] as number),
      0,
    ],
    q8: (i: number): [number, number] => [half(block(i)) * code.getInt8(i), 0],
    q8m: (i: number): [number, number] => {
      const sixteen = 2 * Math.floor(i / 16);
      return [half(sixteen) * code.getInt8(i), least(sixteen)];
    },
  }[layout];
  const decoded = { values: new Float64Array(count), sizes: new Float64Array(count) };
  for (let i = 0; i < count; i++) {
    const [first, second] = terms(i);
    decoded.values[i] = first + second;
    decoded.sizes[i] = Math.abs(first) + Math.abs(second);
  }
  return decoded;
}
