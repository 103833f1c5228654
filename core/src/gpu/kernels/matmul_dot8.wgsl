// `matmul` by products of packed bytes: x as `quantize_x` wrote it with BYTES 1, W's codes as
// bytes. For the layouts q4, q4m, q4t and q8; needs the language feature
// `packed_4x8_integer_dot_product`, and pays where the device has such an instruction. Follows
// step, a layout and `linear`.
//
// The tiles are those of `matmul`; a slice of K is of whole blocks of 32, within which sums are of
// whole numbers, and exact.

// Tuning: multiples of LANE_N and of LANE_T, of at most 256 invocations together.
override TILE_N: u32 = 64;
override TILE_T: u32 = 64;

const LANE_N: u32 = 4;
const LANE_T: u32 = 8;
// Of a slice, in blocks. With a row of five times 16 bytes, eight neighbouring rows begin in
// different banks of workgroup memory.
const SLICE: u32 = 2;
const STRIDE: u32 = 5;

override ACROSS: u32 = TILE_N / LANE_N;
override WG: u32 = ACROSS * (TILE_T / LANE_T);

@group(0) @binding(3) var<storage, read_write> x_codes: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> x_scales: array<vec4f>;

var<workgroup> w_tile: array<vec4u, TILE_N * STRIDE>;
var<workgroup> w_factors: array<vec2f, TILE_N * SLICE>;
var<workgroup> x_tile: array<vec4u, TILE_T * STRIDE>;
var<workgroup> x_factors: array<vec2f, TILE_T * SLICE>;

fn dot32(low: vec4u, high: vec4u, v: vec4u, u: vec4u) -> i32 {
  return dot4I8Packed(low.x, v.x) + dot4I8Packed(low.y, v.y) + dot4I8Packed(low.z, v.z) +
         dot4I8Packed(low.w, v.w) + dot4I8Packed(high.x, u.x) + dot4I8Packed(high.y, u.y) +
         dot4I8Packed(high.z, u.z) + dot4I8Packed(high.w, u.w);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n0 = group.y * TILE_N;
  let t0 = group.x * TILE_T;
  let tokens = rows();
  let across = lane % ACROSS;
  let down = lane / ACROSS;

  var sums: array<f32, LANE_N * LANE_T>;
  for (var k = 0u; k < K / 32u; k += SLICE) {
    for (var i = lane; i < TILE_N * SLICE; i += WG) {
      let n = min(n0 + i / SLICE, N - 1u);
      let at = k + i % SLICE;
      let to = i / SLICE * STRIDE + i % SLICE * 2u;
      // Past the end of K the codes are those of another block, and the factors make zeros of them.
      let unit = load_unit(n * (K / 32u) + min(at, K / 32u - 1u));
      w_tile[to] = vec4u(bytes4(unit, 0u), bytes4(unit, 1u), bytes4(unit, 2u), bytes4(unit, 3u));
      w_tile[to + 1u] = vec4u(bytes4(unit, 4u), bytes4(unit, 5u), bytes4(unit, 6u),
                              bytes4(unit, 7u));
      w_factors[i] = select(vec2f(), factors(unit), at < K / 32u);
    }
    for (var i = lane; i < TILE_T * SLICE; i += WG) {
      let t = min(t0 + i / SLICE, tokens - 1u);
      let block = min(k + i % SLICE, K / 32u - 1u);
      let to = i / SLICE * STRIDE + i % SLICE * 2u;
      x_tile[to] = x_codes[2u * t * (K / 32u) + block];
      x_tile[to + 1u] = x_codes[(2u * t + 1u) * (K / 32u) + block];
      let scale = x_scales[t * (K / 32u) + block];
      x_factors[i] = select(vec2f(), vec2f(scale.x, scale.y + scale.z), k + i % SLICE < K / 32u);
    }
    workgroupBarrier();
    for (var s = 0u; s < SLICE; s++) {
      var low: array<vec4u, LANE_N>;
      var high: array<vec4u, LANE_N>;
      var factor: array<vec2f, LANE_N>;
      for (var a = 0u; a < LANE_N; a++) {
        let row = across + a * ACROSS;
        low[a] = w_tile[row * STRIDE + 2u * s];
        high[a] = w_tile[row * STRIDE + 2u * s + 1u];
        factor[a] = w_factors[row * SLICE + s];
      }
      for (var b = 0u; b < LANE_T; b++) {
        let row = down * LANE_T + b;
        let v = x_tile[row * STRIDE + 2u * s];
        let u = x_tile[row * STRIDE + 2u * s + 1u];
        let scale = x_factors[row * SLICE + s];
        for (var a = 0u; a < LANE_N; a++) {
          let whole = f32(dot32(low[a], high[a], v, u));
          sums[b * LANE_N + a] += factor[a].x * scale.x * whole + factor[a].y * scale.y;
        }
      }
    }
    workgroupBarrier();
  }

  for (var b = 0u; b < LANE_T; b++) {
    let t = t0 + down * LANE_T + b;
    for (var a = 0u; a < LANE_N; a++) {
      let n = n0 + across + a * ACROSS;
      if (t < tokens && n < N) {
        put(t, n, biased(n, sums[b * LANE_N + a]));
      }
    }
  }
}
