// Activations as whole numbers, for the kernels that multiply packed bytes: x ≈ d · q in blocks of
// 32, with the norm before it, if there is one. Follows a reduce prelude and step.
//
// With BYTES 2 q is of 16 bits, |q| ≤ 32,512, as a high and a low signed byte: q = 256 · high +
// low. With BYTES 1 it is the high byte alone, and d is 256 times as large. Row t's codes are 2 ·
// BYTES planes, each of a vec4u (16 bytes) a block: the high bytes of elements 0 … 15 of all
// blocks, those of elements 16 … 31, and with BYTES 2 the low ones likewise. So invocations that
// take neighbouring blocks read neighbouring words: a unit's 32 floats, read by an invocation of
// `matvec` each, cost an H200 more than the weights did. Row t's scales are a vec4f a block: d, d ·
// Σ q of the first 16, and of the last 16, which is what layouts with an offset multiply it by.
//
// With NORM 1, x is x · (gain + GAIN_OFFSET) / sqrt(mean x² + EPSILON).
// Grid: x = rows, y = any number of workgroups to share a row.

override K: u32 = 32;
override X_STRIDE: u32 = 32;
override X_OFFSET: u32 = 0;
override NORM: u32 = 0;
override EPSILON: f32 = 0.0;
override GAIN_OFFSET: f32 = 0.0;
override BYTES: u32 = 2;

// Tuning: a multiple of 8.
override WG: u32 = 256;

// What the reduce preludes want; one is used.
const SUMS: u32 = 40;
// The largest q: rounding its high byte adds 128, which must stay below 2^15.
const LARGEST: f32 = 32512.0;
// 1.5 · 2^23: a float near it has a last place of 1, so adding it rounds to a whole number, which
// then is the lower bits of the sum. The 128 makes the upper byte of the sixteen the rounded one.
const ROUND: f32 = 12582912.0 + 128.0;

@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<vec4f>;
@group(0) @binding(4) var<storage, read> gain: array<vec4f>;

// By invocations, of which eight in a row have a block.
var<workgroup> largest: array<u32, WG>;
var<workgroup> sums: array<i32, WG>;

fn sum_of_four(place: u32) -> f32 {
  return f32(sums[place] + sums[place + 1u] + sums[place + 2u] + sums[place + 3u]);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, lane: Lane) {
  let t = group.x;
  if (t >= rows()) {
    return;
  }
  let begin = (t * X_STRIDE + X_OFFSET) / 4u;
  var factor = 1.0;
  if (NORM == 1u) {
    var squares: array<f32, SUMS>;
    for (var i = lane.index; i < K / 4u; i += WG) {
      squares[0] += dot(x[begin + i], x[begin + i]);
    }
    reduce(&squares, 1u, lane);
    factor = inverseSqrt(total(0u) / f32(K) + EPSILON);
  }
  let first = lane.index & ~7u;
  let quarter = lane.index & 7u;
  for (var start = group.y * WG; start < K / 4u; start += groups.y * WG) {
    let i = start + lane.index;
    var v = vec4f();
    if (i < K / 4u) {
      v = x[begin + i];
      if (NORM == 1u) {
        v *= gain[i] + GAIN_OFFSET;
      }
    }
    // Sizes of floats are ordered as their bits, and NaN's are above all: so it is not lost.
    let size = bitcast<vec4u>(v) & vec4u(0x7fffffffu);
    largest[lane.index] = max(max(size.x, size.y), max(size.z, size.w));
    workgroupBarrier();
    var most = 0u;
    for (var j = 0u; j < 8u; j++) {
      most = max(most, largest[first + j]);
    }
    let d = bitcast<f32>(most) / LARGEST;
    // A block of zeros, or of numbers too small for their reciprocal, counts as zeros.
    let inverse = select(1.0 / d, 0.0, d < 1e-38);
    let raised = bitcast<vec4u>(v * inverse + ROUND);
    let high = pack4xU8(raised >> vec4u(8u));
    // The low byte was raised by 128 with the whole: flipping its sign takes that back.
    let low = pack4xU8(raised) ^ 0x80808080u;
    let highs = dot4I8Packed(high, 0x01010101u);
    sums[lane.index] = select(highs, 256 * highs + dot4I8Packed(low, 0x01010101u), BYTES == 2u);
    workgroupBarrier();
    if (i < K / 4u) {
      let block = i / 8u;
      let plane = t * 2u * BYTES + quarter / 4u;
      codes[(plane * (K / 32u) + block) * 4u + quarter % 4u] = high;
      if (BYTES == 2u) {
        codes[((plane + 2u) * (K / 32u) + block) * 4u + quarter % 4u] = low;
      }
      if (quarter == 0u) {
        let scale = d * factor * select(256.0, 1.0, BYTES == 2u);
        let pair = scale * vec2f(sum_of_four(first), sum_of_four(first + 4u));
        scales[t * (K / 32u) + block] = vec4f(scale, pair, 0.0);
      }
    }
    workgroupBarrier();
  }
}
