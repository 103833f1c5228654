// The kernels that work on heads and rows before attention: norms, rotation, and storing of keys
// and values, against the same in 64-bit floats.
import { describe, expect, test } from "vitest";
import { type Binding, dummy, expectClose, Random, run, step } from "./harness.ts";

const ulp = 2 ** -23;

interface Rows {
  data: Float32Array<ArrayBuffer>;
  stride: number;
  offset: number;
}

function rows(random: Random, count: number, width: number, stride: number, offset: number): Rows {
  if (offset + width > stride) throw new Error("A row does not hold its columns.");
  return { data: random.floats(count * stride, 2), stride, offset };
}

function rw(data: ArrayBufferView<ArrayBuffer>): Binding {
  return { kind: "rw", data };
}

function read(data: ArrayBufferView<ArrayBuffer>): Binding {
  return { kind: "read", data };
}

/** Columns of rows from a result, and whether all else is still what it was. */
function columns(result: ArrayBuffer | undefined, before: Rows, count: number, width: number) {
  const all = new Float32Array(result ?? new ArrayBuffer(0));
  const taken: number[] = [];
  for (let i = 0; i < all.length; i++) {
    const row = Math.floor(i / before.stride);
    const column = (i % before.stride) - before.offset;
    if (row < count && column >= 0 && column < width) taken.push(all[i] ?? Number.NaN);
    else if (!Object.is(all[i], before.data[i])) throw new Error(`Element ${i} was overwritten.`);
  }
  return taken;
}

function rmsNorm(x: number[], weight: ArrayLike<number>, epsilon: number, offset: number) {
  const factor = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + epsilon);
  return x.map((v, i) => v * factor * ((weight[i] ?? 0) + offset));
}

describe("rms_norm", () => {
  // The last row count is of outputs, with tokens that are more.
  test.each([
    { width: 4, groups: 1, tokens: 1, inPlace: false },
    { width: 8, groups: 5, tokens: 3, inPlace: true },
    { width: 2052, groups: 1, tokens: 2, inPlace: false },
    { width: 128, groups: 2, tokens: 7, inPlace: true, outputs: 2 },
  ])("%o", async ({ width, groups, tokens, inPlace, outputs }) => {
    const random = new Random(width + tokens);
    const all = width * groups;
    const count = outputs ?? tokens;
    const x = rows(random, tokens, all, all + 8, 4);
    const y = inPlace ? x : rows(random, tokens, all, all + 12, 8);
    const weight = random.floats(width);
    const constants = {
      WIDTH: width,
      GROUPS: groups,
      EPSILON: 1e-5,
      WEIGHT_OFFSET: 1,
      X_STRIDE: x.stride,
      X_OFFSET: x.offset,
      Y_STRIDE: y.stride,
      Y_OFFSET: y.offset,
      X_IN_Y: inPlace ? 1 : 0,
      ROWS_KIND: outputs === undefined ? 0 : 1,
    };
    const result = await run({
      files: ["step", "rms_norm"],
      constants,
      bindings: [
        step({ tokens, outputs: outputs ?? 0 }),
        read(weight),
        inPlace ? dummy("rw") : rw(x.data),
        rw(y.data),
      ],
      // Two rows of workgroups, and some past the end.
      grid: [Math.ceil((count * groups) / 2) + 1, 2],
    });
    const expected: number[] = [];
    for (let t = 0; t < count; t++) {
      for (let g = 0; g < groups; g++) {
        const from = t * x.stride + x.offset + g * width;
        expected.push(...rmsNorm([...x.data.slice(from, from + width)], weight, 1e-5, 1));
      }
    }
    // The sum goes through fewer than 24 additions in a row, halved by the root; root, quotients
    // and products add fewer than 8 roundings.
    const bounds = expected.map((v) => Math.abs(v) * 20 * ulp);
    expectClose(columns(result[1], y, count, all), expected, bounds);
  });

  test("a NaN stays in its own row", async () => {
    const x = new Random(1).floats(128);
    x[5] = Number.NaN;
    const constants = { WIDTH: 64, EPSILON: 0, X_STRIDE: 64, Y_STRIDE: 64, X_IN_Y: 1 };
    const result = await run({
      files: ["step", "rms_norm"],
      constants,
      bindings: [step({ tokens: 2 }), read(new Float32Array(64).fill(1)), dummy("rw"), rw(x)],
      grid: [2],
    });
    const y = new Float32Array(result[1] ?? new ArrayBuffer(0));
    expect(y.slice(0, 64).every(Number.isNaN)).toBe(true);
    expect(y.slice(64).some(Number.isNaN)).toBe(false);
  });
});

describe("layer_norm", () => {
  test.each([
    { width: 4, groups: 1, tokens: 1, inPlace: false, bias: 1 },
    { width: 36, groups: 3, tokens: 2, inPlace: true, bias: 0 },
    { width: 2052, groups: 1, tokens: 2, inPlace: false, bias: 1 },
  ])("%o", async ({ width, groups, tokens, inPlace, bias }) => {
    const random = new Random(width);
    const all = width * groups;
    const x = rows(random, tokens, all, all + 4, 4);
    const y = inPlace ? x : rows(random, tokens, all, all + 8, 0);
    const weight = random.floats(width);
    const shift = random.floats(width);
    const result = await run({
      files: ["step", "layer_norm"],
      constants: {
        WIDTH: width,
        GROUPS: groups,
        EPSILON: 1e-6,
        BIAS: bias,
        X_STRIDE: x.stride,
        X_OFFSET: x.offset,
        Y_STRIDE: y.stride,
        Y_OFFSET: y.offset,
        X_IN_Y: inPlace ? 1 : 0,
        ROWS_KIND: 0,
      },
      bindings: [
        step({ tokens }),
        read(weight),
        bias === 1 ? read(shift) : dummy(),
        inPlace ? dummy("rw") : rw(x.data),
        rw(y.data),
      ],
      grid: [tokens * groups + 1],
    });
    const expected: number[] = [];
    const bounds: number[] = [];
    for (let t = 0; t < tokens; t++) {
      for (let g = 0; g < groups; g++) {
        const from = t * x.stride + x.offset + g * width;
        const v = [...x.data.slice(from, from + width)];
        const mean = v.reduce((a, b) => a + b, 0) / width;
        const variance = v.reduce((a, b) => a + (b - mean) ** 2, 0) / width;
        const factor = 1 / Math.sqrt(variance + 1e-6);
        for (let i = 0; i < width; i++) {
          const scaled = ((v[i] ?? 0) - mean) * factor * (weight[i] ?? 0);
          expected.push(scaled + (bias === 1 ? (shift[i] ?? 0) : 0));
          // As above, and the mean's error: below 24 roundings of numbers below 2, the inputs'
          // bound.
          bounds.push(20 * ulp * (Math.abs(scaled) + 2 * factor * Math.abs(weight[i] ?? 0) + 1));
        }
      }
    }
    expectClose(columns(result[1], y, tokens, all), expected, bounds);
  });
});

/** One head turned in place, in 64-bit floats; the angle is rounded to 32, as on the CPU. */
function turned(
  head: number[],
  position: number,
  frequencies: Float32Array,
  rotary: number,
  interleaved: boolean,
  scale: number,
) {
  const half = rotary / 2;
  const out = [...head];
  for (let i = 0; i < half; i++) {
    const a = interleaved ? 2 * i : i;
    const b = interleaved ? 2 * i + 1 : i + half;
    const angle = Math.fround(position * (frequencies[i] ?? 0));
    const [s, c] = [Math.sin(angle) * scale, Math.cos(angle) * scale];
    const [x, y] = [head[a] ?? 0, head[b] ?? 0];
    out[a] = x * c - y * s;
    out[b] = x * s + y * c;
  }
  return out;
}

/** Frequencies as models have them, from 1 down to 1/theta. */
function frequencies(rotary: number, theta = 10_000): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rotary / 2 }, (_, i) => theta ** ((-2 * i) / rotary));
}

// A sine is within 2e-7; the result is two products of inputs below 2, so within 2 · 2 · 2e-7 and
// roundings of numbers below 4.
const turnBound = 2 * 2 * 2e-7 + 4 * 4 * ulp;

describe("rope", () => {
  test.each([
    { heads: 3, size: 8, rotary: 8, interleaved: false, position: 0, inPlace: true },
    { heads: 2, size: 80, rotary: 32, interleaved: true, position: 77, inPlace: false },
    { heads: 5, size: 20, rotary: 12, interleaved: false, position: 131_000, inPlace: false },
    { heads: 1, size: 256, rotary: 256, interleaved: false, position: 8_000_000, inPlace: true },
  ])("%o", async ({ heads, size, rotary, interleaved, position, inPlace }) => {
    const random = new Random(position + size);
    const tokens = 3;
    const width = heads * size;
    const x = rows(random, tokens, width, width + 4, 4);
    const y = inPlace ? x : rows(random, tokens, width, width + 8, 4);
    const f = frequencies(rotary);
    const divided = interleaved;
    const divisors = random.floats(rotary / 2).map((v) => 1 + Math.abs(v));
    const result = await run({
      files: ["step", "rotate", "rope"],
      constants: {
        HEADS: heads,
        HEAD_SIZE: size,
        ROTARY: rotary,
        INTERLEAVED: interleaved ? 1 : 0,
        SCALE: 1.25,
        X_STRIDE: x.stride,
        X_OFFSET: x.offset,
        Y_STRIDE: y.stride,
        Y_OFFSET: y.offset,
        X_IN_Y: inPlace ? 1 : 0,
        DIVIDED: divided ? 1 : 0,
        ROWS_KIND: 0,
      },
      bindings: [
        step({ position, tokens }),
        read(f),
        inPlace ? dummy("rw") : rw(x.data),
        rw(y.data),
        divided ? read(divisors) : dummy(),
      ],
      grid: [Math.ceil(width / 2 / 64), tokens],
    });
    const expected: number[] = [];
    for (let t = 0; t < tokens; t++) {
      for (let h = 0; h < heads; h++) {
        const from = t * x.stride + x.offset + h * size;
        const head = [...x.data.slice(from, from + size)];
        const turns = divided ? f.map((v, i) => v / (divisors[i] as number)) : f;
        expected.push(...turned(head, position + t, turns, rotary, interleaved, 1.25));
      }
    }
    // A quotient is within 2.5 units, and with it the angle, which is up to the position.
    const angle = divided ? 2 * 2 * 2.5 * ulp * (position + tokens) : 0;
    expectClose(columns(result[1], y, tokens, width), expected, 1.25 * (turnBound + angle));
  });
});

const kinds = ["kv_f32", "kv_f16"] as const;

/** A state of (heads, capacity, size) that holds something everywhere. */
function state(kind: (typeof kinds)[number], random: Random, elements: number) {
  return kind === "kv_f32"
    ? random.floats(elements)
    : new Uint32Array(elements / 2).fill(0x3c003c00);
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24);
}

function unpacked(kind: (typeof kinds)[number], buffer: ArrayBufferLike): number[] {
  if (kind === "kv_f32") return [...new Float32Array(buffer)];
  return [...new Uint16Array(buffer)].map(half);
}

/** What a state must hold after tokens' rows were stored; and its bounds. */
function stored(
  before: number[],
  row: (token: number, head: number) => number[],
  shape: { heads: number; capacity: number; size: number; position: number; tokens: number },
) {
  const { heads, capacity, size, position, tokens } = shape;
  const expected = [...before];
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads; h++) {
      const values = row(t, h);
      for (let d = 0; d < size; d++) {
        expected[(h * capacity + position + t) * size + d] = values[d] ?? 0;
      }
    }
  }
  return expected;
}

describe("store_kv", () => {
  test.each(kinds)("%s", async (kind) => {
    const random = new Random(3);
    const shape = { heads: 3, capacity: 9, size: 12, position: 4, tokens: 5 };
    const { heads, capacity, size, position, tokens } = shape;
    const x = rows(random, tokens, heads * size, heads * size + 8, 4);
    // What halves cannot hold: too large, too small, and no number.
    x.data.set([1e5, -1e5, 1e-9, Number.NaN], x.offset);
    const before = state(kind, random, heads * capacity * size);
    const result = await run({
      files: ["step", kind, "store_kv"],
      constants: {
        KV_HEADS: heads,
        HEAD_SIZE: size,
        CAPACITY: capacity,
        X_STRIDE: x.stride,
        X_OFFSET: x.offset,
        ROWS_KIND: 0,
      },
      bindings: [step({ position, tokens }), rw(x.data), rw(before)],
      grid: [Math.ceil((heads * size) / 4 / 64), tokens],
    });
    const row = (t: number, h: number) => {
      const from = t * x.stride + x.offset + h * size;
      const values = [...x.data.slice(from, from + size)];
      return kind === "kv_f16" ? values.map((v) => Math.max(-65504, Math.min(65504, v))) : values;
    };
    const actual = unpacked(kind, result[1] ?? new ArrayBuffer(0));
    const expected = stored(unpacked(kind, before.buffer), row, shape);
    const nan = position * size + 3;
    expect(actual[nan]).toBeNaN();
    actual[nan] = 0;
    expected[nan] = 0;
    // A half has 11 bits; WGSL lets its conversion round either way. The smallest step is 2^-24.
    const bounds = expected.map((v) => (kind === "kv_f16" ? Math.abs(v) * 2 ** -10 + 2 ** -24 : 0));
    expectClose(actual, expected, bounds);
  });
});

describe("rope_kv", () => {
  test.each([
    { kind: kinds[0], size: 8, rotary: 8, interleaved: false, norm: true, rope: true },
    { kind: kinds[1], size: 128, rotary: 128, interleaved: false, norm: false, rope: true },
    { kind: kinds[1], size: 20, rotary: 12, interleaved: true, norm: true, rope: true },
    { kind: kinds[0], size: 256, rotary: 256, interleaved: false, norm: true, rope: false },
  ])("%o", async ({ kind, size, rotary, interleaved, norm, rope }) => {
    const random = new Random(size);
    const [heads, kvHeads, tokens, position, capacity] = [6, 2, 3, 5, 9];
    const width = (heads + 2 * kvHeads) * size;
    const x = rows(random, tokens, width, width + 4, 0);
    const f = frequencies(rotary);
    const divisors = random.floats(rotary / 2).map((v) => 1 + Math.abs(v));
    const turns = interleaved ? f.map((v, i) => v / (divisors[i] as number)) : f;
    const [queryNorm, keyNorm] = [random.floats(size), random.floats(size)];
    const elements = kvHeads * capacity * size;
    const [keys, values] = [state(kind, random, elements), state(kind, random, elements)];
    const result = await run({
      files: ["step", "rotate", kind, "rope_kv"],
      constants: {
        HEADS: heads,
        KV_HEADS: kvHeads,
        HEAD_SIZE: size,
        ROTARY: rotary,
        INTERLEAVED: interleaved ? 1 : 0,
        SCALE: 1,
        CAPACITY: capacity,
        X_STRIDE: x.stride,
        Q_OFFSET: 0,
        K_OFFSET: heads * size,
        V_OFFSET: (heads + kvHeads) * size,
        HEAD_NORM: norm ? 1 : 0,
        EPSILON: 1e-6,
        WEIGHT_OFFSET: 1,
        ROPE: rope ? 1 : 0,
        DIVIDED: interleaved ? 1 : 0,
        ROWS_KIND: 0,
      },
      bindings: [
        step({ position, tokens }),
        rope ? read(f) : dummy(),
        rw(x.data),
        rw(keys),
        rw(values),
        norm ? read(queryNorm) : dummy(),
        norm ? read(keyNorm) : dummy(),
        interleaved ? read(divisors) : dummy(),
      ],
      grid: [heads + 2 * kvHeads, tokens],
    });
    const head = (t: number, column: number, weight: Float32Array | undefined) => {
      let v = [...x.data.slice(t * x.stride + column, t * x.stride + column + size)];
      if (!weight) return v;
      if (norm) v = rmsNorm(v, weight, 1e-6, 1);
      return rope ? turned(v, position + t, turns, rotary, interleaved, 1) : v;
    };
    // A norm makes numbers below 2 · 2, at an error of 20 units of their last place, of `turn`
    // twice.
    const bound = norm ? 4 * turnBound + 2 * 20 * 4 * ulp : turnBound;
    const queries: number[] = [];
    for (let t = 0; t < tokens; t++) {
      for (let h = 0; h < heads; h++) queries.push(...head(t, h * size, queryNorm));
    }
    expectClose(columns(result[0], x, tokens, heads * size), queries, bound, "query");
    const shape = { heads: kvHeads, capacity, size, position, tokens };
    const check = (at: number, before: ArrayBufferLike, first: number, weight?: Float32Array) => {
      const row = (t: number, h: number) => head(t, (first + h) * size, weight);
      const expected = stored(unpacked(kind, before), row, shape);
      const bounds = expected.map(
        (v) => (weight ? bound : 0) + (kind === "kv_f16" ? Math.abs(v) * 2 ** -10 + 2 ** -24 : 0),
      );
      const actual = unpacked(kind, result[at] ?? new ArrayBuffer(0));
      expectClose(actual, expected, bounds, weight ? "key" : "value");
    };
    check(1, keys.buffer, heads, keyNorm);
    check(2, values.buffer, heads + kvHeads);
  });
});
