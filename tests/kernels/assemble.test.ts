// The kernels `assemble_*`: the tensors of random GPTQ and AWQ matrices, in slices, become planes of
// the same values; and `gather_columns`, which brings x into the order of such a matrix's columns.
import { describe, expect, it } from "vitest";
import { type Binding, dummy, expectClose, Random, run, step } from "./harness.ts";
import { decode, halfToFloat, type Planes, randomHalf } from "./weights.ts";

interface Format {
  bits: number;
  /** Columns that share a scale. */
  group: number;
  awq?: boolean;
  lessOne?: boolean;
  ordered?: boolean;
}

/** `count` bits of a row of bits, from bit `at` on, the first lowest. */
function bitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) {
    value |= (((bytes[(at + i) >> 3] as number) >> ((at + i) & 7)) & 1) << i;
  }
  return value;
}

/** The order in which AWQ's words have the nibbles of eight rows. */
const awqRows = [0, 2, 4, 6, 1, 3, 5, 7];

class Matrix {
  readonly qweight: Uint8Array<ArrayBuffer>;
  readonly qzeros: Uint8Array<ArrayBuffer>;
  readonly scales: Uint16Array<ArrayBuffer>;
  /** The column at each place. */
  readonly order: Uint32Array<ArrayBuffer>;

  constructor(
    readonly format: Format,
    readonly rows: number,
    readonly columns: number,
    random: Random,
  ) {
    const groups = Math.ceil(columns / format.group);
    this.qweight = random.bytes((rows * columns * format.bits) / 8);
    this.qzeros = random.bytes((rows * groups * format.bits) / 8);
    this.scales = Uint16Array.from({ length: rows * groups }, () => randomHalf(random));
    this.order = Uint32Array.from({ length: columns }, (_, i) => i);
    if (!format.ordered) return;
    for (let i = columns - 1; i > 0; i--) {
      const other = random.below(i + 1);
      [this.order[i], this.order[other]] = [this.order[other] as number, this.order[i] as number];
    }
  }

  /** The number of a row in a row of words, which begins at bit `first`. */
  #across(bytes: Uint8Array, first: number, row: number): number {
    const { bits, awq } = this.format;
    if (!awq) return bitsAt(bytes, first + row * bits, bits);
    return bitsAt(bytes, first + (row >> 3) * 32 + awqRows.indexOf(row & 7) * 4, 4);
  }

  #code(row: number, column: number): number {
    const { bits, awq } = this.format;
    if (awq) return this.#across(this.qweight, column * this.rows * 4, row);
    let code = 0;
    for (let i = 0; i < bits; i++) {
      const bit = column * bits + i;
      code |= bitsAt(this.qweight, ((bit >> 5) * this.rows + row) * 32 + (bit & 31), 1) << i;
    }
    return code;
  }

  /** The weight at a place of a row. */
  value(row: number, place: number): number {
    const { bits, group, lessOne } = this.format;
    const at = Math.floor(place / group);
    const stored = this.#across(this.qzeros, at * this.rows * bits, row);
    const zero = lessOne ? (stored + 1) % 2 ** bits : stored;
    const scale = halfToFloat(this.scales[at * this.rows + row] as number);
    return scale * (this.#code(row, this.order[place] as number) - zero);
  }
}

/** Rows of the tensor before those of the piece, and of the piece before those of the tensor. */
const from = 8;
const to = 3;

async function planesOf(matrix: Matrix, random: Random): Promise<Planes> {
  const { format, rows, columns } = matrix;
  const wide = format.bits === 8;
  const taken = rows - from;
  const elements = (to + taken) * columns;
  const planes = {
    codes: new Uint8Array(wide ? elements : elements / 2),
    scales: new Uint8Array(wide ? elements / 4 : elements / 8),
  };
  const shape = {
    ...{ K: columns, OF: rows, ROWS: taken, FROM: from, TO: to },
    ...{ BITS: format.bits, AWQ: format.awq ? 1 : 0, WIDE: wide ? 1 : 0 },
  };
  const tensor = async (
    files: string[],
    data: Uint8Array,
    unitBytes: number,
    plane: keyof Planes,
    constants: Record<string, number>,
    more: Binding[] = [],
  ) => {
    const units = data.length / unitBytes;
    const cuts = [0, Math.ceil(units / 3), units];
    for (const [i, first] of cuts.slice(0, -1).entries()) {
      const count = (cuts[i + 1] as number) - first;
      if (count === 0) continue;
      const offset = 16 * (i + 1);
      const staging = random.bytes(offset + count * unitBytes + 16);
      staging.set(data.subarray(first * unitBytes, (first + count) * unitBytes), offset);
      const [result] = await run({
        files: ["assemble", ...files],
        constants: { ...shape, ...constants },
        bindings: [
          { kind: "uniform", data: new Uint32Array([count, first, offset, 0]) },
          { kind: "read", data: staging },
          { kind: "rw", data: planes[plane] },
          ...more,
        ],
        grid: [2, Math.ceil(taken / 64)],
      });
      planes[plane] = new Uint8Array(result as ArrayBuffer);
    }
  };
  const GROUP = format.group / 32;
  await tensor(
    ["assemble_codes"],
    matrix.qweight,
    rows * format.bits * 4,
    "codes",
    { ORDERED: format.ordered ? 1 : 0 },
    [format.ordered ? { kind: "read", data: matrix.order } : dummy()],
  );
  const halves = (name: string) => ["assemble_halves", name];
  const zeros = { GROUP, LESS_ONE: format.lessOne ? 1 : 0 };
  await tensor(halves("assemble_zeros"), matrix.qzeros, (rows * format.bits) / 8, "scales", zeros);
  const scales = new Uint8Array(matrix.scales.buffer);
  await tensor(halves("assemble_scales"), scales, rows * 2, "scales", { GROUP, TYPE: 1 });
  return planes;
}

describe("assemble", () => {
  const formats: Record<string, Format> = {
    "2 bits of GPTQ": { bits: 2, group: 32, lessOne: true },
    "3 bits of GPTQ, in order of importance": { bits: 3, group: 64, lessOne: true, ordered: true },
    "4 bits of GPTQ, a group a row": { bits: 4, group: 160 },
    "8 bits of GPTQ": { bits: 8, group: 64, lessOne: true },
    "8 bits of GPTQ's second format, in order of importance": { bits: 8, group: 32, ordered: true },
    "4 bits of AWQ": { bits: 4, group: 32, awq: true },
  };
  for (const [name, format] of Object.entries(formats)) {
    it(`keeps the values of ${name}`, async () => {
      const random = new Random(format.bits + format.group);
      const matrix = new Matrix(format, 96, 160, random);
      const planes = await planesOf(matrix, random);
      const layout = format.bits === 8 ? "q8m" : "q4m";
      const rows = to + matrix.rows - from;
      const { values } = decode(layout, planes, rows * matrix.columns, { zeroPoints: true });
      // Halves times whole numbers of nine bits are exact.
      const expected = Array.from({ length: rows * matrix.columns }, (_, i) => {
        const row = Math.floor(i / matrix.columns);
        return row < to ? values[i] : matrix.value(row - to + from, i % matrix.columns);
      });
      expectClose(values, expected as number[], 0, `${name}'s element`);
      // Rows of others are left alone.
      const before = planes.codes.subarray(0, (to * matrix.columns) / (layout === "q8m" ? 1 : 2));
      expect(before.every((byte) => byte === 0)).toBe(true);
    });
  }

  it("rounds scales of other types to halves", async () => {
    const floats = Float32Array.from({ length: 64 }, (_, i) => 0.01 + i / 7919);
    const brain = new Uint16Array(64);
    const bits = new Uint32Array(floats.buffer);
    for (let i = 0; i < 64; i++) brain[i] = (bits[i] as number) >>> 16;
    const wide = Array.from(
      brain,
      (half) => new Float32Array(Uint32Array.of(half << 16).buffer)[0],
    );
    for (const [TYPE, data, expected] of [
      [0, floats, [...floats]],
      [2, brain, wide as number[]],
    ] as const) {
      const [scales] = await run({
        files: ["assemble", "assemble_halves", "assemble_scales"],
        constants: { K: 32, OF: 64, ROWS: 64, GROUP: 1, TYPE },
        bindings: [
          { kind: "uniform", data: new Uint32Array([1, 0, 0, 0]) },
          { kind: "read", data },
          { kind: "rw", data: new Uint32Array(64) },
        ],
        grid: [1, 1],
      });
      const halves = Array.from(new Uint32Array(scales as ArrayBuffer), halfToFloat);
      // WGSL leaves the direction open; a bfloat16 of that size is a half.
      const bounds = expected.map((value) => (TYPE === 0 ? value * 2 ** -10 : 0));
      expectClose(halves, expected, bounds, "scale");
    }
  });
});

describe("gather_columns", () => {
  it("takes each column from its place", async () => {
    const random = new Random(5);
    const [tokens, width, stride, offset] = [3, 288, 300, 4];
    const x = random.floats(tokens * stride + offset);
    const order = Uint32Array.from({ length: width }, () => random.below(width));
    const outputs = await run({
      files: ["step", "gather_columns"],
      constants: {
        ...{ WIDTH: width, X_STRIDE: stride, X_OFFSET: offset },
        ...{ Y_STRIDE: width + 8, Y_OFFSET: 8, ROWS_KIND: 0 },
      },
      bindings: [
        step({ tokens }),
        { kind: "read", data: order },
        { kind: "rw", data: x },
        { kind: "rw", data: new Float32Array(tokens * (width + 8)) },
      ],
      grid: [Math.ceil(width / 256), tokens],
    });
    const y = new Float32Array(outputs.at(-1) as ArrayBuffer);
    for (let i = 0; i < tokens * width; i++) {
      const [t, column] = [Math.floor(i / width), i % width];
      const expected = x[t * stride + offset + (order[column] as number)];
      expect(y[t * (width + 8) + 8 + column]).toBe(expected);
    }
  });
});
