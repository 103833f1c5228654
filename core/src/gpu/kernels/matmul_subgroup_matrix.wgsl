// `matmul` by the matrix units: products of halves, sums in floats. Needs Dawn's feature
// `chromium-experimental-subgroup-matrix` with a configuration of 16 × 16 × 16 from f16 to f32,
// `shader-f16`, the language feature `subgroup_id`, and subgroups of 32. Follows
// `f16_subgroup_matrix`, step, a layout and `linear`.
//
// Halves end at 65,504, and some models' gated activations do not. So x is made smaller on its way
// into halves and the result larger by as much; powers of two, so that nothing else is rounded.
// Beyond 16 times 65,504 an x becomes infinite, and what follows from it NaN.
//
// A workgroup of four subgroups computes 64 rows of W by 128 of x. Slices of both lie in workgroup
// memory as halves, x by rows of t, W by rows of n, which the unit reads as columns; each subgroup
// computes 64 × 32 of them as eight fragments. While it does, the next slice is on its way to
// registers.
//
// The fragments are named one by one: in an array that a loop counts through, they took six times
// as long on an H200, where the compiler kept the array in memory.

const TILE_N: u32 = 64;
const TILE_T: u32 = 128;
const WG: u32 = 128;
const SIDE: u32 = 16;  // of a fragment, in all three directions
// Of K: one block.
const SLICE: u32 = 32;
// Of a row of a tile, in fours of halves: 80 bytes begin eight neighbouring rows in different
// banks.
const STRIDE: u32 = 10;

// 16 leaves numbers from 0.001 on all the digits of a half, which is below what normed rows have.
const DOWN: f32 = 0.0625;
const UP: f32 = 16.0;

@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> gain: array<vec4f>;  // a dummy

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Result = subgroup_matrix_result<f32, 16, 16>;

var<workgroup> w_tile: array<vec4<f16>, TILE_N * STRIDE>;
var<workgroup> x_tile: array<vec4<f16>, TILE_T * STRIDE>;
// A fragment of results for each subgroup: results have no other way to their invocations.
var<workgroup> results: array<f32, 4 * SIDE * SIDE>;

fn load_w(row: u32, k: u32, q: u32) -> Part {
  return load_part(min(row, N - 1u) * (K / UNIT) + k / UNIT, q);
}

fn store_w(row: u32, q: u32, part: Part) {
  w_tile[row * STRIDE + q] = vec4<f16>(part_low(part));
  w_tile[row * STRIDE + q + 4u] = vec4<f16>(part_high(part));
}

fn load_x(t: u32, at: u32) -> vec4f {
  return x[(min(t, rows() - 1u) * X_STRIDE + X_OFFSET + at) / 4u];
}

// Past the end of K x is zero. That is seen to here and not in `load_x`: to look at a number there
// would be to wait for it before the products that it should arrive beside.
fn store_x(row: u32, q: u32, k: u32, value: vec4f) {
  let inside = K % SLICE == 0u || k + 4u * q < K;
  x_tile[row * STRIDE + q] = vec4<f16>(select(vec4f(), value * DOWN, inside));
}

fn left_at(row: u32, k: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&x_tile, row * STRIDE + k / 4u, STRIDE);
}

fn right_at(row: u32, k: u32) -> Right {
  return subgroupMatrixLoad<Right, col_major>(&w_tile, row * STRIDE + k / 4u, STRIDE);
}

// Adds the products of 16 of the slice's columns, from k on. Called twice and not in a loop, which
// would not be unrolled.
fn multiply(part: u32, k: u32, s00: ptr<function, Result>, s01: ptr<function, Result>,
            s02: ptr<function, Result>, s03: ptr<function, Result>, s10: ptr<function, Result>,
            s11: ptr<function, Result>, s12: ptr<function, Result>, s13: ptr<function, Result>) {
  let left0 = left_at(part, k);
  let left1 = left_at(part + 16u, k);
  let right0 = right_at(0u, k);
  *s00 = subgroupMatrixMultiplyAccumulate(left0, right0, *s00);
  *s10 = subgroupMatrixMultiplyAccumulate(left1, right0, *s10);
  let right1 = right_at(16u, k);
  *s01 = subgroupMatrixMultiplyAccumulate(left0, right1, *s01);
  *s11 = subgroupMatrixMultiplyAccumulate(left1, right1, *s11);
  let right2 = right_at(32u, k);
  *s02 = subgroupMatrixMultiplyAccumulate(left0, right2, *s02);
  *s12 = subgroupMatrixMultiplyAccumulate(left1, right2, *s12);
  let right3 = right_at(48u, k);
  *s03 = subgroupMatrixMultiplyAccumulate(left0, right3, *s03);
  *s13 = subgroupMatrixMultiplyAccumulate(left1, right3, *s13);
}

// Writes a fragment, whose first element is (t0, n0), by way of the subgroup's place in `results`.
fn write(fragment: Result, to: u32, place: u32, t0: u32, n0: u32) {
  subgroupMatrixStore<row_major>(&results, to, fragment, SIDE);
  workgroupBarrier();
  for (var i = place; i < SIDE * SIDE; i += 32u) {
    let t = t0 + i / SIDE;
    let n = n0 + i % SIDE;
    if (t < rows() && n < N) {
      put(t, n, biased(n, results[to + i] * UP));
    }
  }
  workgroupBarrier();
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32,
        @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) place: u32) {
  let n0 = group.y * TILE_N;
  let t0 = group.x * TILE_T;
  let part = subgroup * 32u;  // of the tile's rows of x

  // Four invocations share a row of W's slice, eight one of x's: 32 rows and 16 at a time.
  let w_row = lane / 4u;
  let w_q = lane % 4u;
  let x_row = lane / 8u;
  let x_q = lane % 8u;
  var w0 = load_w(n0 + w_row, 0u, w_q);
  var w1 = load_w(n0 + w_row + 32u, 0u, w_q);
  var x0 = load_x(t0 + x_row + 0u, 4u * x_q);
  var x1 = load_x(t0 + x_row + 16u, 4u * x_q);
  var x2 = load_x(t0 + x_row + 32u, 4u * x_q);
  var x3 = load_x(t0 + x_row + 48u, 4u * x_q);
  var x4 = load_x(t0 + x_row + 64u, 4u * x_q);
  var x5 = load_x(t0 + x_row + 80u, 4u * x_q);
  var x6 = load_x(t0 + x_row + 96u, 4u * x_q);
  var x7 = load_x(t0 + x_row + 112u, 4u * x_q);

  var s00 = Result();
  var s01 = Result();
  var s02 = Result();
  var s03 = Result();
  var s10 = Result();
  var s11 = Result();
  var s12 = Result();
  var s13 = Result();
  for (var k = 0u; k < K; k += SLICE) {
    store_w(w_row, w_q, w0);
    store_w(w_row + 32u, w_q, w1);
    store_x(x_row + 0u, x_q, k, x0);
    store_x(x_row + 16u, x_q, k, x1);
    store_x(x_row + 32u, x_q, k, x2);
    store_x(x_row + 48u, x_q, k, x3);
    store_x(x_row + 64u, x_q, k, x4);
    store_x(x_row + 80u, x_q, k, x5);
    store_x(x_row + 96u, x_q, k, x6);
    store_x(x_row + 112u, x_q, k, x7);
    workgroupBarrier();
    if (k + SLICE < K) {
      w0 = load_w(n0 + w_row, k + SLICE, w_q);
      w1 = load_w(n0 + w_row + 32u, k + SLICE, w_q);
      x0 = load_x(t0 + x_row + 0u, k + SLICE + 4u * x_q);
      x1 = load_x(t0 + x_row + 16u, k + SLICE + 4u * x_q);
      x2 = load_x(t0 + x_row + 32u, k + SLICE + 4u * x_q);
      x3 = load_x(t0 + x_row + 48u, k + SLICE + 4u * x_q);
      x4 = load_x(t0 + x_row + 64u, k + SLICE + 4u * x_q);
      x5 = load_x(t0 + x_row + 80u, k + SLICE + 4u * x_q);
      x6 = load_x(t0 + x_row + 96u, k + SLICE + 4u * x_q);
      x7 = load_x(t0 + x_row + 112u, k + SLICE + 4u * x_q);
    }
    multiply(part, 0u, &s00, &s01, &s02, &s03, &s10, &s11, &s12, &s13);
    multiply(part, SIDE, &s00, &s01, &s02, &s03, &s10, &s11, &s12, &s13);
    workgroupBarrier();
  }

  let to = subgroup * SIDE * SIDE;
  let t = t0 + part;
  write(s00, to, place, t, n0);
  write(s01, to, place, t, n0 + 16u);
  write(s02, to, place, t, n0 + 32u);
  write(s03, to, place, t, n0 + 48u);
  write(s10, to, place, t + 16u, n0);
  write(s11, to, place, t + 16u, n0 + 16u);
  write(s12, to, place, t + 16u, n0 + 32u);
  write(s13, to, place, t + 16u, n0 + 48u);
}
