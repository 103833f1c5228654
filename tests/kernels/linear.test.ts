// `matvec`, `matmul` and its variants, and `embed`, on each layout, against the same in doubles.
import { describe, it } from "vitest";
import { device, expectClose, Random, run, step } from "./harness.ts";
import {
  checkLinear,
  floatErrors,
  type Linear,
  makeLinear,
  quantize,
  quantizedErrors,
} from "./linear.ts";
import { decode, layouts, randomPlanes } from "./weights.ts";

const tuning = { WG: 64, ROWS: 4, BATCH: 1 };

async function matvec(
  shape: Linear,
  tuned: Partial<typeof tuning> = {},
  reduce = "reduce_plain",
  kernel = "matvec",
) {
  const values = { ...tuning, ...tuned };
  const dot8 = kernel === "matvec_dot8";
  const one = makeLinear(shape, shape.n + shape.k);
  await checkLinear(
    dot8 ? await quantize(one, 2) : one,
    {
      files: [reduce, "step", `layout_${shape.layout}`, "linear", "matvec_rows", kernel],
      constants: values,
      // Over x and y, with some too many.
      grid: [3, Math.ceil(Math.ceil(shape.n / values.ROWS) / 3) + 1],
    },
    dot8 ? quantizedErrors[2] : floatErrors,
  );
}

async function matmul(shape: Linear, tile = { TILE_N: 64, TILE_T: 64 }, kernel = "matmul") {
  const dot8 = kernel === "matmul_dot8";
  const one = makeLinear(shape, shape.n + shape.k);
  await checkLinear(
    dot8 ? await quantize(one, 1) : one,
    {
      files: ["step", `layout_${shape.layout}`, "linear", kernel],
      constants: tile,
      grid: [Math.ceil(shape.rows / tile.TILE_T), Math.ceil(shape.n / tile.TILE_N)],
    },
    dot8 ? quantizedErrors[1] : floatErrors,
  );
}

describe("matvec", () => {
  for (const layout of layouts) {
    it(`multiplies ${layout}`, async () => {
      await matvec({ layout, n: 21, k: 576, rows: 1 });
      await matvec({ layout, n: 5, k: 96, rows: 1, row0: 7, bias: true, residual: 1 });
      await matvec({ layout, n: 6, k: 32, rows: 1, norm: true, residual: 2, rowsKind: 1 });
      await matvec({ layout, n: 3, k: 4096 + 32, rows: 1, norm: true, glu: 1, bias: true });
    });
  }

  it("has MXFP4's table too", () => matvec({ layout: "q4t", tableKind: 1, n: 9, k: 96, rows: 1 }));

  it("has zero points instead of minimums", async () => {
    for (const layout of ["q4m", "q8m"] as const) {
      await matvec({ layout, zeroPoints: true, n: 9, k: 160, rows: 1, norm: true, glu: 1 });
    }
  });

  it("takes rows of floats that are no multiple of 32", async () => {
    for (const layout of ["f32", "f16", "bf16"] as const) {
      await matvec({ layout, n: 8, k: 100, rows: 1, norm: true });
    }
  });

  it("multiplies up to eight vectors", async () => {
    const rows = { n: 11, k: 160, norm: true, bias: true };
    await matvec({ layout: "q4", rows: 3, ...rows, residual: 1 }, { BATCH: 4 });
    await matvec({ layout: "q8m", rows: 8, ...rows, residual: 2 }, { BATCH: 8 });
    await matvec({ layout: "f16", rows: 2, ...rows, glu: 2, row0: 5 }, { BATCH: 8, ROWS: 2 });
  });

  it("gives the same by any tuning", async () => {
    const shape: Linear = { layout: "q4", n: 37, k: 256, rows: 1, glu: 2, norm: true };
    for (const [WG, ROWS] of [
      [32, 1],
      [128, 2],
      [256, 8],
      [64, 5],
    ] as const) {
      await matvec(shape, { WG, ROWS });
    }
  });

  it("reduces through subgroups", async ({ skip }) => {
    const gpu = await device();
    if (!gpu.features.has("subgroups")) skip("the adapter has no subgroups");
    const shape: Linear = { layout: "q4m", n: 13, k: 352, rows: 3, norm: true, glu: 1 };
    for (const WG of [32, 128]) await matvec(shape, { WG, BATCH: 4 }, "reduce_subgroups");
  });
});

describe("matvec_dot8", () => {
  for (const layout of ["q4", "q4m", "q4t", "q8", "q8m"] as const) {
    it(`multiplies ${layout}`, async () => {
      const dot8 = (shape: Linear, tuned = {}) =>
        matvec(shape, tuned, "reduce_plain", "matvec_dot8");
      await dot8({ layout, n: 21, k: 576, rows: 1, row0: 7, bias: true, residual: 1 });
      await dot8({ layout, n: 3, k: 96, rows: 3, norm: true, glu: 1 }, { BATCH: 4 });
    });
  }
});

describe("matmul", () => {
  for (const layout of layouts) {
    it(`multiplies ${layout}`, async () => {
      await matmul({ layout, n: 67, k: 96, rows: 65, bias: true, residual: 1, row0: 9 });
      await matmul({ layout, n: 5, k: 576, rows: 7, residual: 2 }, { TILE_N: 32, TILE_T: 16 });
    });
  }

  it("has zero points instead of minimums", async () => {
    for (const layout of ["q4m", "q8m"] as const) {
      await matmul({ layout, zeroPoints: true, n: 17, k: 96, rows: 9 });
    }
    await matmul(
      { layout: "q4m", zeroPoints: true, n: 17, k: 96, rows: 9 },
      undefined,
      "matmul_dot8",
    );
  });

  it("takes rows of floats that are no multiple of a slice", () =>
    matmul({ layout: "f16", n: 9, k: 100, rows: 10 }, { TILE_N: 16, TILE_T: 32 }));
});

describe("matmul_dot8", () => {
  for (const layout of ["q4", "q4m", "q4t", "q8"] as const) {
    it(`multiplies ${layout}`, async () => {
      // Small tiles: without the instruction, SwiftShader takes seconds to compile what stands for
      // it.
      const shape = { layout, n: 21, k: 96, rows: 19 };
      const tile = { TILE_N: 16, TILE_T: 16 };
      await matmul({ ...shape, bias: true, residual: 1, row0: 9 }, tile, "matmul_dot8");
    });
  }
});

describe("embed", () => {
  for (const layout of layouts) {
    it(`copies rows of ${layout}`, async () => {
      const random = new Random(5);
      const [n, k, row0] = [10, 96, 20];
      const planes = randomPlanes(layout, n * k, random);
      // Rows outside the piece on both sides stay as they are.
      const ids = new Uint32Array([20, 29, 19, 30, 25, 0xffffffff, 99]);
      const tokens = 5;
      const [stride, offset] = [k + 8, 4];
      const before = random.floats(ids.length * stride + offset);
      const outputs = await run({
        files: ["step", `layout_${layout}`, "embed"],
        constants: { K: k, N: n, ROW0: row0, Y_STRIDE: stride, Y_OFFSET: offset, ROWS_KIND: 0 },
        bindings: [
          step({ tokens }),
          { kind: "read", data: planes.codes },
          { kind: "read", data: planes.scales },
          { kind: "rw", data: ids },
          { kind: "rw", data: before },
        ],
        grid: [4, 2],
      });
      const { values, sizes } = decode(layout, planes, n * k);
      const expected = Float64Array.from(before);
      const bounds = new Float64Array(before.length);
      for (let t = 0; t < tokens; t++) {
        const row = (ids[t] as number) - row0;
        if (row < 0 || row >= n) continue;
        expected.set(values.subarray(row * k, row * k + k), t * stride + offset);
        bounds.set(
          sizes.subarray(row * k, row * k + k).map((size) => size * 2 ** -23),
          t * stride + offset,
        );
      }
      expectClose(new Float32Array(outputs.at(-1) as ArrayBuffer), expected, bounds);
    });
  }

  it("copies rows by the tokens' positions", async () => {
    const random = new Random(6);
    const [n, k, row0, tokens, position] = [10, 32, 4, 5, 2];
    const planes = randomPlanes("f32", n * k, random);
    const before = random.floats(tokens * k);
    const outputs = await run({
      files: ["step", "layout_f32", "embed"],
      constants: { K: k, N: n, ROW0: row0, Y_STRIDE: k, Y_OFFSET: 0, POSITIONS: 1, ROWS_KIND: 0 },
      bindings: [
        step({ tokens, position }),
        { kind: "read", data: planes.codes },
        { kind: "read", data: planes.scales },
        { kind: "rw", data: new Uint32Array(tokens).fill(99) },
        { kind: "rw", data: before },
      ],
      grid: [tokens],
    });
    const { values } = decode("f32", planes, n * k);
    const expected = Float64Array.from(before);
    // Positions 2 and 3 are rows of another piece.
    for (let t = 2; t < tokens; t++) {
      const row = position + t - row0;
      expected.set(values.subarray(row * k, row * k + k), t * k);
    }
    expectClose(new Float32Array(outputs.at(-1) as ArrayBuffer), expected, 0);
  });
});
