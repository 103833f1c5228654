// `matvec` by products of packed bytes, for layouts of bytes and nibbles, on x as `quantize_x`
// wrote it with BYTES 2. Follows `matvec_rows`; needs the language feature
// `packed_4x8_integer_dot_product`, and pays where the device has such an instruction.
//
// In floats a weight costs a shift, a mask, a conversion and a product: more than an H200 has time
// for while the next weight arrives. Four products of bytes are one instruction, and Σ w · x = d ·
// (256 · Σ w · high + Σ w · low). An x is off by 2^-16 of the largest of its 32 at most, where the
// usual single byte would be off by 2^-8. NORM is `quantize_x`'s, and 0 here.

@group(0) @binding(3) var<storage, read_write> x_codes: array<vec4u>;
@group(0) @binding(4) var<storage, read_write> x_scales: array<vec4f>;

// 16 elements: quarters `quarter` and on of the unit.
fn dot16(unit: Unit, quarter: u32, high: vec4u, low: vec4u) -> f32 {
  let a = bytes4(unit, quarter);
  let b = bytes4(unit, quarter + 1u);
  let c = bytes4(unit, quarter + 2u);
  let d = bytes4(unit, quarter + 3u);
  let highs = dot4I8Packed(a, high.x) + dot4I8Packed(b, high.y) + dot4I8Packed(c, high.z) +
              dot4I8Packed(d, high.w);
  let lows = dot4I8Packed(a, low.x) + dot4I8Packed(b, low.y) + dot4I8Packed(c, low.z) +
             dot4I8Packed(d, low.w);
  return f32(256 * highs + lows);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, lane: Lane) {
  let first = (group.x + group.y * groups.x) * ROWS;
  if (first >= N) {
    return;
  }
  let tokens = min(rows(), BATCH);
  var starts = line_starts(first, K / 32u);
  var sums: array<f32, SUMS>;
  for (var i = lane.index; i < K / 32u; i += WG) {
    var units: array<Unit, MAX_LINES>;
    for (var l = 0u; l < LINES; l++) {
      units[l] = load_unit(starts[l] + i);
    }
    for (var t = 0u; t < BATCH; t++) {
      if (t >= tokens) {
        break;
      }
      let plane = 4u * t * (K / 32u) + i;
      let high0 = x_codes[plane];
      let high1 = x_codes[plane + K / 32u];
      let low0 = x_codes[plane + 2u * (K / 32u)];
      let low1 = x_codes[plane + 3u * (K / 32u)];
      let scale = x_scales[t * (K / 32u) + i];
      for (var l = 0u; l < LINES; l++) {
        let dots = scale.x * vec2f(dot16(units[l], 0u, high0, low0),
                                   dot16(units[l], 4u, high1, low1));
        sums[t * LINES + l] += combine(units[l], dots, scale.yz);
      }
    }
  }
  finish(&sums, first, tokens, lane);
}
