// Activations as signed bytes in blocks of 32, for `matmul_dot8`: x ≈ d · code, with d = max |x| / 127 and
// d · Σ code beside it, which is what layouts with an offset multiply it by. Follows step.

override K: u32 = 32;
override X_STRIDE: u32 = 32;
override X_OFFSET: u32 = 0;

override WG: u32 = 64;

@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<vec2f>;

// 1.5 · 2^23: a float near it has a last place of 1, so adding it rounds to a whole number, whose lowest
// byte then is the lowest of the sum.
const ROUND: f32 = 12582912.0;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let block = id.x;
  let t = id.y;
  if (block >= K / 32u || t >= rows()) {
    return;
  }
  var part: array<vec4f, 8>;
  var largest = vec4u();
  for (var q = 0u; q < 8u; q++) {
    part[q] = x[(t * X_STRIDE + X_OFFSET) / 4u + block * 8u + q];
    // Sizes of floats are ordered as their bits, and NaN's are above all: so it is not lost.
    largest = max(largest, bitcast<vec4u>(part[q]) & vec4u(0x7fffffffu));
  }
  let two = max(largest.xy, largest.zw);
  let d = bitcast<f32>(max(two.x, two.y)) / 127.0;
  // A block of zeros, or of numbers too small for their reciprocal, counts as zeros.
  let inverse = select(1.0 / d, 0.0, d < 1e-38);
  let to = t * (K / 32u) + block;
  var sum = 0;
  for (var q = 0u; q < 8u; q++) {
    let packed = pack4xU8(bitcast<vec4u>(part[q] * inverse + ROUND));
    sum += dot4I8Packed(packed, 0x01010101u);
    codes[to * 8u + q] = packed;
  }
  scales[to] = vec2f(d, d * f32(sum));
}
