// One linear layer, as the kernels `matvec` and `matmul` compute it: random inputs of any shape,
// the dispatch, and the same in doubles.
import { type Binding, dummy, expectClose, Random, run, step } from "./harness.ts";
import { type Decoded, decode, type Layout, randomPlanes } from "./weights.ts";

export interface Linear {
  layout: Layout;
  tableKind?: number;
  zeroPoints?: boolean;
  n: number;
  k: number;
  rows: number;
  row0?: number;
  norm?: boolean;
  bias?: boolean;
  residual?: 0 | 1 | 2;
  glu?: 0 | 1 | 2;
  rowsKind?: 0 | 1;
}

/** Strides and offsets that no kernel can take for others. */
const xOffset = 8;
const rOffset = 4;
const yOffset = 12;
const epsilon = 1e-5;
const gainOffset = 1;

export function makeLinear(shape: Linear, seed: number) {
  const { layout, n, k, rows, row0 = 0, norm, bias, residual = 0, glu = 0 } = shape;
  const random = new Random(seed);
  const lines = glu ? 2 * n : n;
  const planes = randomPlanes(layout, lines * k, random, shape.zeroPoints);
  const wide = row0 + lines + 3;
  const xStride = k + 16;
  const rStride = Math.ceil((wide + rOffset) / 4) * 4;
  const yStride = rStride + 16;
  const x = random.floats(rows * xStride + xOffset);
  const gain = random.floats(k, 0.5);
  const biases = random.floats(wide);
  const r = random.floats(rows * rStride + rOffset);
  const y = random.floats(rows * yStride + yOffset);

  const constants: Record<string, number> = {
    K: k,
    N: n,
    ROW0: row0,
    X_STRIDE: xStride,
    X_OFFSET: xOffset,
    Y_STRIDE: yStride,
    Y_OFFSET: yOffset,
    R_STRIDE: rStride,
    R_OFFSET: rOffset,
    NORM: norm ? 1 : 0,
    EPSILON: epsilon,
    GAIN_OFFSET: gainOffset,
    BIAS: bias ? 1 : 0,
    RESIDUAL: residual,
    GLU: glu,
    ROWS_KIND: shape.rowsKind ?? 0,
  };
  if (layout === "q4t") constants.TABLE_KIND = shape.tableKind ?? 0;
  if (shape.zeroPoints) constants.ZERO_POINTS = 1;
  const bindings: Binding[] = [
    // Rows of the other kind than asked for would be too many.
    step(
      shape.rowsKind ? { tokens: rows + 5, outputs: rows } : { tokens: rows, outputs: rows + 5 },
    ),
    { kind: "read", data: planes.codes },
    { kind: "read", data: planes.scales },
    { kind: "rw", data: x },
    norm ? { kind: "read", data: gain } : dummy(),
    bias ? { kind: "read", data: biases } : dummy(),
    residual === 1 ? { kind: "rw", data: r } : dummy("rw"),
    { kind: "rw", data: y },
  ];
  return { shape, constants, bindings, planes, x, gain, biases, r, y, xStride, rStride, yStride };
}

export type LinearCase = ReturnType<typeof makeLinear>;

const activations = {
  1: (v: number) => v / (1 + Math.exp(-v)),
  2: (v: number) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
};

export interface Errors {
  /**
   * What a dot product of K terms may be off, relative to the sum of their sizes. In floats that is
   * 2^-24 for each addition that a term goes through.
   */
  dot: (k: number) => number;
  /** What an x may be off, relative to the largest of the 32 that it lies among. */
  x: number;
}

/**
 * No kernel adds more than a quarter of K's terms one after the other, and a few in the reduction.
 */
export const floatErrors: Errors = { dot: (k) => (k / 4 + 32) * 2 ** -24, x: 0 };

/**
 * What `quantize_x` does to x: whole numbers up to 32,512, or up to 127. They are rounded by 0.5,
 * and a little more as the factor is rounded too.
 */
export const quantizedErrors: Record<1 | 2, Errors> = {
  1: { ...floatErrors, x: 0.51 / 127 },
  2: { ...floatErrors, x: 0.51 / 32512 },
};

/** The same layer for a kernel that takes x, with its norm, from `quantize_x`, which this runs. */
export async function quantize(one: LinearCase, bytes: 1 | 2): Promise<LinearCase> {
  const { k, rows, norm } = one.shape;
  const names = ["K", "X_STRIDE", "X_OFFSET", "NORM", "EPSILON", "GAIN_OFFSET", "ROWS_KIND"];
  const constants = Object.fromEntries(names.map((name) => [name, one.constants[name] as number]));
  const [, codes, scales] = await run({
    files: ["reduce_plain", "step", "quantize_x"],
    constants: { ...constants, BYTES: bytes, WG: 64 },
    bindings: [
      one.bindings[0] as Binding,
      { kind: "rw", data: one.x },
      { kind: "rw", data: new Uint8Array(rows * k * bytes) },
      { kind: "rw", data: new Float32Array((rows * k) / 8) },
      norm ? { kind: "read", data: one.gain } : dummy(),
    ],
    // One workgroup more than rows, and fewer a row than its blocks would keep busy.
    grid: [rows + 1, 2],
  });
  const bindings = [...one.bindings];
  bindings[3] = { kind: "rw", data: new Uint8Array(codes as ArrayBuffer) };
  bindings[4] = { kind: "rw", data: new Uint8Array(scales as ArrayBuffer) };
  return { ...one, constants: { ...one.constants, NORM: 0 }, bindings };
}

/** Runs it and compares all of y, also what must stay as it was. */
export async function checkLinear(
  one: LinearCase,
  dispatch: { files: string[]; grid: [number, number]; constants?: Record<string, number> },
  errors: Errors = floatErrors,
): Promise<void> {
  const outputs = await run({
    files: dispatch.files,
    constants: { ...one.constants, ...dispatch.constants },
    bindings: one.bindings,
    grid: dispatch.grid,
  });
  compareLinear(one, new Float32Array(outputs.at(-1) as ArrayBuffer), errors);
}

export function compareLinear(one: LinearCase, actual: Float32Array, errors: Errors): void {
  const { layout, n, k, rows, row0 = 0, norm, bias, residual = 0, glu = 0 } = one.shape;
  const weights: Decoded = decode(layout, one.planes, (glu ? 2 * n : n) * k, one.shape);
  const expected = Float64Array.from(one.y);
  const bounds = new Float64Array(one.y.length);
  for (let t = 0; t < rows; t++) {
    const x = one.x.subarray(t * one.xStride + xOffset).subarray(0, k);
    let squares = 0;
    for (const value of x) squares += value * value;
    const factor = norm ? 1 / Math.sqrt(squares / k + epsilon) : 1;
    const v = Float64Array.from(
      x,
      (each, i) => each * (norm ? (one.gain[i] as number) + gainOffset : 1),
    );
    const largest = Float64Array.from({ length: Math.ceil(k / 32) }, (_, block) =>
      v
        .subarray(block * 32, block * 32 + 32)
        .reduce((most, each) => Math.max(most, Math.abs(each)), 0),
    );
    const line = (row: number) => {
      let sum = 0;
      let off = 0;
      for (let i = 0; i < k; i++) {
        const size = weights.sizes[row * k + i] as number;
        sum += (weights.values[row * k + i] as number) * (v[i] as number);
        off += size * Math.abs(v[i] as number) * errors.dot(k);
        off += size * (largest[i >> 5] as number) * errors.x;
      }
      const added = bias ? (one.biases[row0 + row] as number) : 0;
      // Beside the sum itself: the norm's factor, an addition and an activation.
      const bound = off * factor + (Math.abs(sum * factor) + 1) * 2 ** -20;
      return { value: sum * factor + added, bound };
    };
    for (let i = 0; i < n; i++) {
      const gate = line(i);
      const to = t * one.yStride + yOffset + row0 + i;
      let { value, bound } = gate;
      if (glu) {
        const up = line(n + i);
        const active = activations[glu](gate.value);
        value = active * up.value;
        // Both activations rise by less than 1.13 times their input.
        bound = 1.13 * gate.bound * (Math.abs(up.value) + up.bound) + Math.abs(active) * up.bound;
      }
      if (residual === 1) value += one.r[t * one.rStride + rOffset + row0 + i] as number;
      if (residual === 2) value += one.y[to] as number;
      expected[to] = value;
      bounds[to] = bound;
    }
  }
  expectClose(actual, expected, bounds, `${JSON.stringify(one.shape)}: y`);
}
