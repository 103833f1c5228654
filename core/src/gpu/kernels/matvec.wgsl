// A matrix times a vector, or times up to BATCH vectors, in floats: y[t] = W · x[t], with the norm
// before, and the bias, the residual or the gated activation after, in the same pass. Follows
// `matvec_rows`. What the norm needs besides, Σ x², falls out of the pass, as its factor can be
// applied at the end.

@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> gain: array<vec4f>;

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
      var part: array<vec4f, UNIT / 4>;
      var low = vec4f();
      var high = vec4f();
      var squares = vec4f();
      let begin = (t * X_STRIDE + X_OFFSET) / 4u + i * (UNIT / 4u);
      for (var q = 0u; q < UNIT / 4u; q++) {
        var v = x[begin + q];
        if (NORM == 1u) {
          squares += v * v;
          v *= gain[i * (UNIT / 4u) + q] + GAIN_OFFSET;
        }
        part[q] = v;
        if (q < 4u) {
          low += v;
        } else {
          high += v;
        }
      }
      let part_sums = vec2f(dot(low, vec4f(1.0)), dot(high, vec4f(1.0)));
      for (var l = 0u; l < LINES; l++) {
        var dots = vec2f();
        for (var q = 0u; q < UNIT / 4u; q++) {
          dots[q / 4u] += dot(code4(units[l], q), part[q]);
        }
        sums[t * LINES + l] += combine(units[l], dots, part_sums);
      }
      if (NORM == 1u) {
        sums[BATCH * LINES + t] += dot(squares, vec4f(1.0));
      }
    }
  }
  finish(&sums, first, tokens, lane);
}
