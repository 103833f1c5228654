// A matrix times any number of vectors, in floats: y[t] = W · x[t], with the bias and the residual.
// For adapters with nothing better, and the measure of the variants. Follows step, a layout and
// `linear`.
//
// A workgroup computes TILE_N × TILE_T of y. It goes over K in slices: a slice of W is decoded once
// into workgroup memory, beside the same slice of x, and each invocation keeps LANE_N × LANE_T sums
// in registers, so that a number read from workgroup memory serves LANE_T or LANE_N products.

// Tuning: multiples of LANE_N and of LANE_T, of at most 256 invocations together.
override TILE_N: u32 = 64;
override TILE_T: u32 = 64;

const LANE_N: u32 = 4;
const LANE_T: u32 = 8;
// Of a slice, in groups of four elements. With the stride of five, eight neighbouring rows begin in
// different banks of workgroup memory.
const SLICE: u32 = 4;
const STRIDE: u32 = 5;

override ACROSS: u32 = TILE_N / LANE_N;
override WG: u32 = ACROSS * (TILE_T / LANE_T);

@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> gain: array<vec4f>;  // a dummy

var<workgroup> w_tile: array<vec4f, TILE_N * STRIDE>;
var<workgroup> x_tile: array<vec4f, TILE_T * STRIDE>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n0 = group.y * TILE_N;
  let t0 = group.x * TILE_T;
  let tokens = rows();
  // Neighbouring invocations have neighbouring rows of W, and mostly one row of x.
  let across = lane % ACROSS;
  let down = lane / ACROSS;

  var sums: array<f32, LANE_N * LANE_T>;
  for (var k = 0u; k < K / 4u; k += SLICE) {
    for (var i = lane; i < TILE_N * SLICE; i += WG) {
      let n = min(n0 + i / SLICE, N - 1u);
      let at = k + i % SLICE;
      var value = vec4f();
      if (at < K / 4u) {
        value = value4(load_unit(n * (K / UNIT) + at / (UNIT / 4u)), at % (UNIT / 4u));
      }
      w_tile[i / SLICE * STRIDE + i % SLICE] = value;
    }
    for (var i = lane; i < TILE_T * SLICE; i += WG) {
      let t = t0 + i / SLICE;
      let at = k + i % SLICE;
      var value = vec4f();
      if (t < tokens && at < K / 4u) {
        value = x[(t * X_STRIDE + X_OFFSET) / 4u + at];
      }
      x_tile[i / SLICE * STRIDE + i % SLICE] = value;
    }
    workgroupBarrier();
    for (var s = 0u; s < SLICE; s++) {
      var w: array<vec4f, LANE_N>;
      for (var a = 0u; a < LANE_N; a++) {
        w[a] = w_tile[(across + a * ACROSS) * STRIDE + s];
      }
      for (var b = 0u; b < LANE_T; b++) {
        let v = x_tile[(down * LANE_T + b) * STRIDE + s];
        for (var a = 0u; a < LANE_N; a++) {
          sums[b * LANE_N + a] += dot(w[a], v);
        }
      }
    }
    workgroupBarrier();
  }

  for (var b = 0u; b < LANE_T; b++) {
    let t = t0 + down * LANE_T + b;
    for (var a = 0u; a < LANE_N; a++) {
      let n = n0 + across + a * ACROSS;
      if (t >= tokens || n >= N) {
        continue;
      }
      put(t, n, biased(n, sums[b * LANE_N + a]));
    }
  }
}
