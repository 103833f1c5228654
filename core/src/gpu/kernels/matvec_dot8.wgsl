// `matvec` by products of packed bytes, for layouts of bytes and nibbles. Follows `matvec_rows`; needs the
// language feature `packed_4x8_integer_dot_product`, and pays where the device has such an instruction.
//
// In floats a weight costs a shift, a mask, a conversion and a product: more than an H200 has time for
// while the next weight arrives. Four products of bytes are one instruction. So each invocation turns its
// unit of x into whole numbers, once for all its rows: d times an integer of 16 bits, which is a high and a
// low signed byte, Σ w · x = d · (256 · Σ w · high + Σ w · low). An x is then off by 2^-16 of the largest of
// its 32, where the usual single byte would be off by 2^-8.

// A quarter of x's unit a word.
struct Bytes {
  high: array<u32, 8>,
  low: array<u32, 8>,
}

// The largest integer: so that adding 128, which rounds the high byte right, stays below 2^15.
const LARGEST: f32 = 32512.0;
// 1.5 · 2^23: a float near it has a last place of 1, so adding it rounds to a whole number, which then is
// the lower bits of the sum. The 128 makes the upper byte of the sixteen the rounded one.
const ROUND: f32 = 12582912.0 + 128.0;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, lane: Lane) {
  let first = (group.x + group.y * groups.x) * ROWS;
  if (first >= N) {
    return;
  }
  let tokens = min(rows(), BATCH);
  var starts = line_starts(first);
  var sums: array<f32, SUMS>;
  for (var i = lane.index; i < K / UNIT; i += WG) {
    var units: array<Unit, MAX_LINES>;
    for (var l = 0u; l < LINES; l++) {
      units[l] = load_unit(starts[l] + i);
    }
    for (var t = 0u; t < BATCH; t++) {
      if (t >= tokens) {
        break;
      }
      var part: array<vec4f, 8>;
      var largest = vec4u();
      var low = vec4f();
      var high = vec4f();
      var squares = vec4f();
      let begin = (t * X_STRIDE + X_OFFSET) / 4u + i * 8u;
      for (var q = 0u; q < 8u; q++) {
        var v = x[begin + q];
        if (NORM == 1u) {
          squares += v * v;
          v *= gain[i * 8u + q] + GAIN_OFFSET;
        }
        part[q] = v;
        // Sizes of floats are ordered as their bits, and NaN's are above all: so it is not lost.
        largest = max(largest, bitcast<vec4u>(v) & vec4u(0x7fffffffu));
        if (q < 4u) {
          low += v;
        } else {
          high += v;
        }
      }
      let part_sums = vec2f(dot(low, vec4f(1.0)), dot(high, vec4f(1.0)));
      let two = max(largest.xy, largest.zw);
      let d = bitcast<f32>(max(two.x, two.y)) / LARGEST;
      // A unit of zeros, or of numbers too small for their reciprocal, counts as zeros.
      let inverse = select(1.0 / d, 0.0, d < 1e-38);
      var bytes: Bytes;
      for (var q = 0u; q < 8u; q++) {
        let whole = bitcast<vec4u>(part[q] * inverse + ROUND) & vec4u(0xffffu);
        let even = whole.x | (whole.z << 16u);
        let odd = whole.y | (whole.w << 16u);
        // The low byte was raised by 128 with the whole: flipping its sign takes that back.
        bytes.low[q] = ((even & 0x00ff00ffu) | ((odd & 0x00ff00ffu) << 8u)) ^ 0x80808080u;
        bytes.high[q] = ((even >> 8u) & 0x00ff00ffu) | (odd & 0xff00ff00u);
      }
      for (var l = 0u; l < LINES; l++) {
        var highs = vec2i();
        var lows = vec2i();
        for (var q = 0u; q < 8u; q++) {
          let w = bytes4(units[l], q);
          highs[q / 4u] += dot4I8Packed(w, bytes.high[q]);
          lows[q / 4u] += dot4I8Packed(w, bytes.low[q]);
        }
        let dots = d * vec2f(highs * 256 + lows);
        sums[t * LINES + l] += combine(units[l], dots, part_sums);
      }
      if (NORM == 1u) {
        sums[BATCH * LINES + t] += dot(squares, vec4f(1.0));
      }
    }
  }
  finish(&sums, first, tokens, lane);
}
