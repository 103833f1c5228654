// The kernels that work on single elements, against the same in 64-bit floats.
import { expect, test } from "vitest";
import { type Binding, dummy, expectClose, Random, run, step } from "./harness.ts";

const ulp = 2 ** -23;
const tokens = 3;
const width = 268; // not a multiple of a workgroup's columns
const stride = width + 12;

const grid: [number, number] = [Math.ceil(width / 4 / 64), tokens];

function rw(data: Float32Array<ArrayBuffer>): Binding {
  return { kind: "rw", data };
}

/** Columns [offset, offset + width) of all rows. */
function columns(data: ArrayLike<number>, offset: number, rowStride = stride): number[] {
  const out: number[] = [];
  for (let t = 0; t < data.length / rowStride; t++) {
    for (let i = 0; i < width; i++) out.push(data[t * rowStride + offset + i] ?? Number.NaN);
  }
  return out;
}

/** The result's columns at `offset`; throws when any other changed. */
function changed(result: ArrayBuffer | undefined, before: Float32Array, offset: number) {
  const after = new Float32Array(result ?? new ArrayBuffer(0));
  const rest = after.slice();
  for (let t = 0; t < after.length / stride; t++) {
    const from = t * stride + offset;
    rest.set(before.subarray(from, from + width), from);
  }
  expect(rest).toEqual(before);
  return columns(after, offset);
}

const silu = (x: number) => x / (1 + Math.exp(-x));
// 0.5 · x · (1 + tanh(u)) as x · sigmoid(2u): where tanh is nearly −1, 64 bits are too few for it.
const gelu = (x: number) =>
  x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** The error function by its series, which 64 bits hold up to 4; from there on it is 1 but for 2e-8. */
function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** By the numbers of activation.wgsl. */
const activations = [
  { kind: 1, apply: silu },
  { kind: 2, apply: gelu },
  { kind: 3, apply: (x: number) => (x / 2) * (1 + erf(x / Math.SQRT2)) },
  { kind: 4, apply: (x: number) => Math.max(x, 0) },
];

test.each(activations.slice(0, 2))(
  "glu $kind, gate and up apart or columns of one value",
  async ({ kind, apply }) => {
    for (const [gateInY, upInGate] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ]) {
      const random = new Random(kind);
      const both = 2 * width + 8;
      // Up to 30, where exp is near neither end; the corner cases are in the first row.
      const gate = random.floats(tokens * both, 30);
      gate.set([0, 200, -200, 1e30, -1e30, 88, -88]);
      const up = random.floats(tokens * both);
      const y = gateInY === 1 ? gate : random.floats(tokens * both);
      const constants = {
        WIDTH: width,
        KIND: kind,
        GATE_STRIDE: both,
        GATE_OFFSET: 0,
        UP_STRIDE: both,
        UP_OFFSET: width + 4,
        UP_IN_GATE: upInGate ?? 0,
        Y_STRIDE: both,
        Y_OFFSET: 0,
        GATE_IN_Y: gateInY ?? 0,
        ROWS_KIND: 0,
      };
      const result = await run({
        files: ["step", "activation", "glu"],
        constants,
        bindings: [
          step({ tokens }),
          gateInY === 1 ? dummy("rw") : rw(gate),
          upInGate === 1 ? dummy("rw") : rw(up),
          rw(y),
        ],
        grid,
      });
      const after = new Float32Array(result[2] ?? new ArrayBuffer(0));
      const g = columns(gate, 0, both);
      const u = columns(upInGate === 1 ? gate : up, width + 4, both);
      const expected = g.map((x, i) => apply(x) * (u[i] ?? 0));
      // exp is within 3 + 2 · |its argument| units, which for gelu is a polynomial with four
      // roundings of its own; then two products. From 80 on, where exp() comes near the largest
      // float, it only has to be so large that nothing is left of the gate.
      const bounds = expected.map(
        (v, i) => Math.abs(v) * (3 + 6 * 80 + 4) * ulp + Math.abs(g[i] ?? 0) * Math.exp(-80),
      );
      expectClose(columns(after, 0, both), expected, bounds);
      expect(after.subarray(width, both)).toEqual(y.subarray(width, both));
    }
  },
);

test("glu keeps NaN", async () => {
  for (const kind of [1, 2]) {
    const gate = new Float32Array([Number.NaN, 1, 1, 1]);
    const up = new Float32Array([1, Number.NaN, 1, 1]);
    const result = await run({
      files: ["step", "activation", "glu"],
      constants: { WIDTH: 4, KIND: kind, GATE_STRIDE: 4, UP_STRIDE: 4, Y_STRIDE: 4 },
      bindings: [step({}), rw(gate), rw(up), rw(new Float32Array(4))],
      grid: [1, 1],
    });
    const y = [...new Float32Array(result[2] ?? new ArrayBuffer(0))].map(Number.isNaN);
    expect(y).toEqual([true, true, false, false]);
  }
});

test.each([0, 1])("add, in place %i", async (inPlace) => {
  const random = new Random(5);
  const [a, b] = [random.floats(tokens * stride), random.floats(tokens * stride)];
  const y = inPlace ? a : random.floats(tokens * stride);
  const result = await run({
    files: ["step", "add"],
    constants: {
      WIDTH: width,
      A_STRIDE: stride,
      A_OFFSET: inPlace ? 12 : 4,
      A_IN_Y: inPlace,
      B_STRIDE: stride,
      B_OFFSET: 8,
      Y_STRIDE: stride,
      Y_OFFSET: 12,
      ROWS_KIND: 0,
    },
    bindings: [step({ tokens }), inPlace ? dummy("rw") : rw(a), rw(b), rw(y)],
    grid,
  });
  const bs = columns(b, 8);
  const expected = columns(a, inPlace ? 12 : 4).map((v, i) => Math.fround(v + (bs[i] ?? 0)));
  expectClose(changed(result[2], y, 12), expected, 0); // one sum, correctly rounded
});

test.each([
  // Exact products; a cap is exp's error at arguments near 0, 3 units, of numbers up to the cap,
  // and a few roundings.
  {
    file: "scale",
    name: "FACTOR",
    by: 0.3,
    apply: (x: number, f: number) => x * f,
    bound: 0.5 * ulp,
  },
  {
    file: "soft_cap",
    name: "CAP",
    by: 30,
    apply: (x: number, cap: number) => cap * Math.tanh(x / cap),
    bound: 30 * 8 * ulp,
  },
])("$file, of outputs alone, apart and in place", async ({ file, name, by, apply, bound }) => {
  for (const inPlace of [0, 1]) {
    const random = new Random(6);
    const x = random.floats(tokens * stride, 90);
    x.set([1e30, -1e30, 0, 1e-20, 1e5], 4);
    const y = inPlace ? x : random.floats(tokens * stride);
    const result = await run({
      files: ["step", file],
      constants: {
        WIDTH: width,
        [name]: by,
        X_STRIDE: stride,
        X_OFFSET: 4,
        X_IN_Y: inPlace,
        Y_STRIDE: stride,
        Y_OFFSET: 4,
        ROWS_KIND: 1,
      },
      bindings: [step({ tokens: 9, outputs: tokens }), inPlace ? dummy("rw") : rw(x), rw(y)],
      grid,
    });
    const factor = Math.fround(by);
    const expected = columns(x, 4).map((v) => apply(v, factor));
    const bounds = expected.map((v) => (file === "scale" ? Math.abs(v) * bound : bound));
    expectClose(changed(result[1], y, 4), expected, bounds);
  }
});

test.each(activations)("activate $kind, apart and in place", async ({ kind, apply }) => {
  for (const inPlace of [0, 1]) {
    const random = new Random(kind);
    const x = random.floats(tokens * stride, 4);
    x.set([1e30, -1e30, 0, 1e-20, 88, -88, Number.NaN], 4);
    const y = inPlace ? x.slice() : random.floats(tokens * stride);
    const result = await run({
      files: ["step", "activation", "activate"],
      constants: {
        WIDTH: width,
        KIND: kind,
        X_STRIDE: stride,
        X_OFFSET: 4,
        X_IN_Y: inPlace,
        Y_STRIDE: stride,
        Y_OFFSET: 4,
        ROWS_KIND: 0,
      },
      bindings: [step({ tokens }), inPlace ? dummy("rw") : rw(x), rw(y)],
      grid,
    });
    const [actual, from] = [changed(result[1], y, 4), columns(x, 4)];
    expect(actual.map(Number.isNaN)).toEqual(from.map(Number.isNaN));
    const numbers = actual.map((v) => (Number.isNaN(v) ? 0 : v));
    const expected = from.map((v) => (Number.isNaN(v) ? 0 : apply(v)));
    // The approximation of erf is within 1.5e-7, of which x / 2 is taken; exp within 3 + 2 · |its
    // argument| units, which is at most 80 where anything is left of it (as for glu).
    const bounds = from.map((v, i) => {
      const size = Number.isNaN(v) ? 0 : Math.abs(v);
      return size * (1e-7 + 8 * ulp) + Math.abs(expected[i] ?? 0) * (3 + 6 * 80 + 4) * ulp;
    });
    expectClose(numbers, expected, bounds);
  }
});

test("soft_cap keeps NaN", async () => {
  const x = new Float32Array([Number.NaN, 1, Number.NaN, -1]);
  const result = await run({
    files: ["step", "soft_cap"],
    constants: { WIDTH: 4, CAP: 30, X_STRIDE: 4, X_IN_Y: 1, Y_STRIDE: 4 },
    bindings: [step({}), dummy("rw"), rw(x)],
    grid: [1, 1],
  });
  const y = [...new Float32Array(result[1] ?? new ArrayBuffer(0))].map(Number.isNaN);
  expect(y).toEqual([true, false, true, false]);
});

test("take_rows takes the last", async () => {
  const random = new Random(7);
  const x = random.floats(tokens * stride);
  const y = random.floats(2 * stride);
  const result = await run({
    files: ["step", "take_rows"],
    constants: { WIDTH: width, X_STRIDE: stride, X_OFFSET: 8, Y_STRIDE: stride, Y_OFFSET: 4 },
    bindings: [step({ tokens, outputs: 2 }), rw(x), rw(y)],
    grid,
  });
  const expected = columns(x, 8).slice(width);
  expectClose(changed(result[1], y, 4), expected, 0);
});
