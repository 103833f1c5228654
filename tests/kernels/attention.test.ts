// Both attention kernels against softmax in 64-bit floats.
import { describe, expect, test } from "vitest";
import { type Binding, expectClose, Random, run, step } from "./harness.ts";

const ulp = 2 ** -23;
const kinds = ["kv_f32", "kv_f16"] as const;
type Kind = (typeof kinds)[number];

function rw(data: ArrayBufferView<ArrayBuffer>): Binding {
  return { kind: "rw", data };
}

/** Numbers that halves hold exactly, so that both kinds of state hold the same: eighths up to 2. */
function eighths(random: Random, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => (random.below(33) - 16) / 8);
}

/** The bits of the half that is `x`, which has at most eleven bits and is no tiny number. */
function half(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0] ?? 0;
  if (x === 0) return (bits >>> 16) & 0x8000;
  return ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023);
}

function packed(kind: Kind, values: Float32Array<ArrayBuffer>) {
  return kind === "kv_f32" ? values : Uint16Array.from(values, half);
}

interface Shape {
  heads: number;
  kvHeads: number;
  size: number;
  capacity: number;
  position: number;
  tokens: number;
  window?: number;
  cap?: number;
}

interface Input {
  query: Float32Array<ArrayBuffer>;
  keys: Float32Array<ArrayBuffer>;
  values: Float32Array<ArrayBuffer>;
  qStride: number;
  qOffset: number;
}

/** Queries, and states that are NaN past the last position. */
function input(shape: Shape, seed: number): Input {
  const { heads, kvHeads, size, capacity, position, tokens } = shape;
  const random = new Random(seed);
  const [qStride, qOffset] = [heads * size + 12, 8];
  const query = random.floats(tokens * qStride);
  const keys = eighths(random, kvHeads * capacity * size);
  const values = eighths(random, kvHeads * capacity * size);
  for (let h = 0; h < kvHeads; h++) {
    const rest = (h * capacity + position + tokens) * size;
    keys.fill(Number.NaN, rest, (h + 1) * capacity * size);
    values.fill(Number.NaN, rest, (h + 1) * capacity * size);
  }
  return { query, keys, values, qStride, qOffset };
}

const scale = (shape: Shape) => 2 / Math.sqrt(shape.size);

/** (tokens, heads, size). */
function reference(shape: Shape, from: Input): number[] {
  const { heads, kvHeads, size, capacity, position, tokens, window = 0, cap = 0 } = shape;
  const factor = Math.fround(scale(shape));
  const out: number[] = [];
  for (let t = 0; t < tokens; t++) {
    for (let h = 0; h < heads; h++) {
      const q = t * from.qStride + from.qOffset + h * size;
      const base = Math.floor(h / (heads / kvHeads)) * capacity;
      const end = position + t + 1;
      const begin = window > 0 ? Math.max(0, end - window) : 0;
      const scores: number[] = [];
      for (let key = begin; key < end; key++) {
        let score = 0;
        for (let d = 0; d < size; d++) {
          score += (from.query[q + d] ?? 0) * (from.keys[(base + key) * size + d] ?? 0);
        }
        score *= factor;
        scores.push(cap > 0 ? cap * Math.tanh(score / cap) : score);
      }
      const largest = Math.max(...scores);
      const weights = scores.map((s) => Math.exp(s - largest));
      const total = weights.reduce((a, b) => a + b, 0);
      for (let d = 0; d < size; d++) {
        let sum = 0;
        weights.forEach((w, i) => {
          sum += w * (from.values[(base + begin + i) * size + d] ?? 0);
        });
        out.push(sum / total);
      }
    }
  }
  return out;
}

// Values are at most 2, so an output moves by at most 2 · 2 times the relative error of weights.
// That is the absolute error of scores, which are at most 2 · sqrt(size) · 2 <= 64 by products that
// are summed in at most 64 steps of 4, but at random far less: 8 roundings of numbers up to 16
// bound what a score is off; exp adds 3 + 2 · 32 units, and the sums of weights and outputs a few
// for their depth.
const bound = 2 * 2 * (8 * 16 + 67 + 29) * 0.5 * ulp;

function constants(shape: Shape, from: Input) {
  return {
    HEADS: shape.heads,
    KV_HEADS: shape.kvHeads,
    HEAD_SIZE: shape.size,
    CAPACITY: shape.capacity,
    SCALE: scale(shape),
    WINDOW: shape.window ?? 0,
    SOFT_CAP: shape.cap ?? 0,
    Q_STRIDE: from.qStride,
    Q_OFFSET: from.qOffset,
    Y_STRIDE: shape.heads * shape.size + 4,
    Y_OFFSET: 4,
    ROWS_KIND: 0,
  };
}

/** Rows of an output of `constants`' stride and offset; what is between them must be NaN still. */
function rowsOf(result: ArrayBuffer | undefined, shape: Shape): number[] {
  const y = new Float32Array(result ?? new ArrayBuffer(0));
  const width = shape.heads * shape.size;
  const out: number[] = [];
  for (let t = 0; t < y.length / (width + 4); t++) {
    const row = y.subarray(t * (width + 4), (t + 1) * (width + 4));
    expect(row.subarray(0, 4).every(Number.isNaN)).toBe(true);
    if (t < shape.tokens) out.push(...row.subarray(4));
    else expect(row.every(Number.isNaN)).toBe(true);
  }
  return out;
}

async function attention(kind: Kind, shape: Shape, from: Input): Promise<number[]> {
  const width = shape.heads * shape.size;
  const result = await run({
    files: ["step", kind, "cap", "attention"],
    constants: constants(shape, from),
    bindings: [
      step({ position: shape.position, tokens: shape.tokens }),
      rw(from.query),
      rw(packed(kind, from.keys)),
      rw(packed(kind, from.values)),
      // A row more than the tokens have.
      rw(new Float32Array((shape.tokens + 1) * (width + 4)).fill(Number.NaN)),
    ],
    // One workgroup of tokens more than needed.
    grid: [Math.ceil(shape.tokens / 64) + 1, shape.heads],
  });
  return rowsOf(result[3], shape);
}

interface Split {
  splits: number;
  span: number;
  groupHeads?: number;
}

async function split(kind: Kind, shape: Shape, from: Input, how: Split): Promise<number[]> {
  const { heads, kvHeads, size, position } = shape;
  const { splits, span } = how;
  const groupHeads = how.groupHeads ?? Math.min(4, heads / kvHeads);
  const all = { ...constants(shape, from), SPLITS: splits, SPAN: span, GROUP_HEADS: groupHeads };
  const partial = new Float32Array(heads * splits * (size + 2)).fill(Number.NaN);
  const pieces = await run({
    files: ["step", kind, "cap", "attention_split"],
    constants: all,
    bindings: [
      step({ position }),
      rw(from.query),
      rw(packed(kind, from.keys)),
      rw(packed(kind, from.values)),
      rw(partial),
    ],
    grid: [splits, kvHeads * Math.ceil(heads / kvHeads / groupHeads)],
  });
  const merged = await run({
    files: ["step", "attention_merge"],
    constants: all,
    bindings: [
      step({ position }),
      rw(new Float32Array(pieces[3] ?? new ArrayBuffer(0))),
      rw(new Float32Array(heads * size + 4).fill(Number.NaN)),
    ],
    grid: [heads],
  });
  return rowsOf(merged[1], shape);
}

describe("attention", () => {
  test.each<Shape & { kind: Kind }>([
    { kind: kinds[0], heads: 1, kvHeads: 1, size: 4, capacity: 1, position: 0, tokens: 1 },
    { kind: kinds[1], heads: 4, kvHeads: 2, size: 8, capacity: 80, position: 0, tokens: 67 },
    {
      kind: kinds[0],
      heads: 3,
      kvHeads: 1,
      size: 20,
      capacity: 50,
      position: 31,
      tokens: 2,
      cap: 3,
    },
    {
      kind: kinds[1],
      heads: 2,
      kvHeads: 2,
      size: 64,
      capacity: 150,
      position: 70,
      tokens: 65,
      window: 5,
    },
    {
      kind: kinds[0],
      heads: 2,
      kvHeads: 1,
      size: 128,
      capacity: 140,
      position: 63,
      tokens: 34,
      window: 70,
    },
    { kind: kinds[1], heads: 2, kvHeads: 1, size: 80, capacity: 40, position: 3, tokens: 33 },
    {
      kind: kinds[0],
      heads: 1,
      kvHeads: 1,
      size: 256,
      capacity: 40,
      position: 0,
      tokens: 40,
      window: 1,
      cap: 9,
    },
    { kind: kinds[1], heads: 1, kvHeads: 1, size: 192, capacity: 70, position: 1, tokens: 66 },
  ])("%o", async (shape) => {
    const from = input(shape, shape.size);
    const y = await attention(shape.kind, shape, from);
    expectClose(y, reference(shape, from), bound);
  });

  test("a NaN reaches those who see it, and nobody else", async () => {
    const shape = { heads: 2, kvHeads: 2, size: 8, capacity: 9, position: 0, tokens: 9 };
    const from = input(shape, 1);
    from.keys[(shape.capacity + 5) * shape.size] = Number.NaN; // the second head's position 5
    const y = await attention("kv_f32", shape, from);
    const nan = y.map(Number.isNaN);
    const wanted = y.map((_, i) => Math.floor(i / 8) % 2 === 1 && Math.floor(i / 16) >= 5);
    expect(nan).toEqual(wanted);
  });
});

describe("attention_split and attention_merge", () => {
  test.each<Omit<Shape, "tokens"> & Split & { kind: Kind }>([
    { kind: kinds[0], heads: 1, kvHeads: 1, size: 4, capacity: 1, position: 0, splits: 4, span: 1 },
    {
      kind: kinds[1],
      heads: 4,
      kvHeads: 2,
      size: 8,
      capacity: 300,
      position: 200,
      splits: 3,
      span: 16,
    },
    {
      kind: kinds[0],
      heads: 7,
      kvHeads: 1,
      size: 64,
      capacity: 300,
      position: 299,
      splits: 2,
      span: 32,
    },
    {
      kind: kinds[1],
      heads: 7,
      kvHeads: 1,
      size: 64,
      capacity: 90,
      position: 80,
      splits: 9,
      span: 32,
      groupHeads: 3,
    },
    {
      kind: kinds[0],
      heads: 8,
      kvHeads: 2,
      size: 128,
      capacity: 200,
      position: 150,
      splits: 5,
      span: 16,
    },
    {
      kind: kinds[1],
      heads: 8,
      kvHeads: 2,
      size: 128,
      capacity: 200,
      position: 150,
      splits: 5,
      span: 16,
      window: 33,
    },
    {
      kind: kinds[0],
      heads: 3,
      kvHeads: 3,
      size: 20,
      capacity: 99,
      position: 64,
      splits: 64,
      span: 1,
      cap: 3,
    },
    {
      kind: kinds[1],
      heads: 2,
      kvHeads: 1,
      size: 256,
      capacity: 99,
      position: 77,
      splits: 2,
      span: 32,
      cap: 3,
    },
    {
      kind: kinds[0],
      heads: 4,
      kvHeads: 2,
      size: 80,
      capacity: 400,
      position: 399,
      splits: 300,
      span: 1,
      window: 399,
    },
    {
      kind: kinds[1],
      heads: 2,
      kvHeads: 2,
      size: 16,
      capacity: 70,
      position: 9,
      splits: 8,
      span: 32,
      window: 64,
    },
  ])("%o", async (given) => {
    const shape = { ...given, tokens: 1 };
    const from = input(shape, shape.size);
    const y = await split(shape.kind, shape, from, given);
    expectClose(y, reference(shape, from), bound);
  });

  test("a NaN reaches those who see it, and nobody else", async () => {
    const shape = { heads: 4, kvHeads: 2, size: 8, capacity: 90, position: 80, tokens: 1 };
    for (const state of ["keys", "values"] as const) {
      const from = input(shape, 1);
      from[state][(shape.capacity + 5) * shape.size] = Number.NaN; // the second head's position 5
      const y = await split("kv_f32", shape, from, { splits: 4, span: 16 });
      const second = y.map((_, i) => i >= 16);
      // A value's column is itself alone; a key is in all columns.
      const wanted = state === "keys" ? second : second.map((seen, i) => seen && i % 8 === 0);
      expect(y.map(Number.isNaN)).toEqual(wanted);
    }
  });
});
