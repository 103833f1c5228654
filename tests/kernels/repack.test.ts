// Each `repack_*` kernel: random blocks of a file, repacked in slices, have the same values in the
// planes.
import { describe, expect, it } from "vitest";
import { blockValues, formats, randomBlocks } from "./blocks.ts";
import { dummy, expectClose, Random, run } from "./harness.ts";
import { decode, halfToFloat, type Planes } from "./weights.ts";

interface Slice {
  file: string;
  planes: Planes;
  staging: Uint8Array<ArrayBuffer>;
  units: number;
  firstUnit: number;
  sourceOffset: number;
}

/** Kernels that share how scales are packed. */
const packedScales: ReadonlySet<string> = new Set(["repack_q4_k", "repack_q5_k"]);

async function repack({ file, planes, staging, units, firstUnit, sourceOffset }: Slice) {
  const [codes, scales] = await run({
    files: [...(packedScales.has(file) ? ["k_scales"] : []), file, "repack"],
    bindings: [
      { kind: "uniform", data: new Uint32Array([units, firstUnit, sourceOffset, 0]) },
      { kind: "read", data: staging },
      { kind: "rw", data: planes.codes },
      { kind: "rw", data: planes.scales },
    ],
    grid: [2, Math.ceil((units + 1) / 2 / 64)],
  });
  return {
    codes: new Uint8Array(codes as ArrayBuffer),
    scales: new Uint8Array(scales as ArrayBuffer),
  };
}

/** Bytes of the planes for so many elements. */
function emptyPlanes(layout: string, count: number): Planes {
  const scaleBytes: Record<string, number> = { q4: 16, q4m: 8, q4t: 8, q8: 16, q8m: 4 };
  const codes = new Uint8Array(layout.startsWith("q4") ? count / 2 : count);
  // Poison, so that what was not written shows; and rounded up to words.
  const scales = new Uint8Array(Math.ceil(count / (scaleBytes[layout] as number) / 4) * 4);
  return { codes: codes.fill(0xee), scales: scales.fill(0xee) };
}

describe("repack", () => {
  for (const [name, format] of Object.entries(formats)) {
    it(`keeps the values of ${name}, from slices at any unit and byte`, async () => {
      const random = new Random(name.length + format.bytes);
      const count = 333;
      const blocks = randomBlocks(format, count, random);
      let planes = emptyPlanes(format.layout, count * format.elements);
      let unit = 0;
      // Slices of odd and of even length, and each at another byte of the staging.
      for (const [offset, units] of [130, 1, 65, 137].entries()) {
        const bytes = blocks.subarray(unit * format.bytes, (unit + units) * format.bytes);
        const staging = random.bytes(offset + bytes.length + 8);
        staging.set(bytes, offset);
        planes = await repack({
          file: `repack_${name}`,
          planes,
          staging,
          units,
          firstUnit: unit,
          sourceOffset: offset,
        });
        unit += units;
      }
      expect(unit).toBe(count);
      const expected = blockValues(format, blocks);
      const actual = decode(format.layout, planes, expected.length, format);
      // K-quants' products of scales are rounded to halves: by up to 2^-10 of themselves, as WGSL
      // leaves the direction open. The rest is exact, but for the rounding of a float here and
      // there.
      const rounded = format.elements === 256 && format.layout !== "q4t";
      const bounds = actual.sizes.map((size) => size * 2 ** (rounded ? -10 : -23));
      expectClose(actual.values, expected, bounds, `${name}'s element`);
    });
  }

  it("widens vectors of halves and of bfloat16", async () => {
    const random = new Random(3);
    const halves = Uint16Array.from({ length: 301 }, () => random.below(0x7c00));
    const staging = new Uint8Array(halves.length * 2 + 6);
    staging.set(new Uint8Array(halves.buffer), 2);
    const slice = { staging, units: 301, firstUnit: 0, sourceOffset: 2 };
    const planes = () => ({
      codes: new Uint8Array(301 * 4),
      scales: dummy().data as Uint8Array<ArrayBuffer>,
    });
    const wide = await repack({ file: "repack_f16_vector", planes: planes(), ...slice });
    // A device may take subnormal halves for zero.
    const bounds = Array.from(halves, (bits) => (bits < 0x0400 ? 2 ** -14 : 0));
    expectClose(new Float32Array(wide.codes.buffer), Array.from(halves, halfToFloat), bounds);
    const brain = await repack({ file: "repack_bf16_vector", planes: planes(), ...slice });
    expect([...new Uint32Array(brain.codes.buffer)]).toEqual(
      Array.from(halves, (bits) => bits << 16),
    );
  });

  it.each([
    ["f32", 4],
    ["f16", 2],
  ] as const)("turns matrices of %s round, in pieces and slices", async (type, size) => {
    const random = new Random(size);
    const [k, rows] = [12, 10];
    const file = random.bytes(k * rows * size); // (k, rows)
    // Rows 3 to 8 of the matrix become rows 1 to 6 of a piece that has 8.
    const [from, n, to, pieceRows] = [3, 6, 1, 8];
    let codes = new Uint8Array(pieceRows * k * size).fill(0xee);
    const unitBytes = 2 * rows * size;
    for (const [firstUnit, units, offset] of [
      [0, 1, 3],
      [1, 4, 0],
      [5, 1, 2],
    ] as const) {
      const bytes = file.subarray(firstUnit * unitBytes, (firstUnit + units) * unitBytes);
      const staging = random.bytes(offset + bytes.length + 8);
      staging.set(bytes, offset);
      const [after] = await run({
        files: [`repack_transposed_${type}`, "repack"],
        constants: { K: k, ROWS: rows, FROM: from, N: n, TO: to },
        bindings: [
          { kind: "uniform", data: new Uint32Array([units, firstUnit, offset, 0]) },
          { kind: "read", data: staging },
          { kind: "rw", data: codes },
          dummy("rw"),
        ],
        grid: [1],
      });
      codes = new Uint8Array(after as ArrayBuffer);
    }
    const expected = new Uint8Array(codes.length).fill(0xee);
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < k; column++) {
        const at = (column * rows + from + row) * size;
        expected.set(file.subarray(at, at + size), ((to + row) * k + column) * size);
      }
    }
    expect([...codes]).toEqual([...expected]);
  });
});
