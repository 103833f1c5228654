// A matrix times a vector, or times up to BATCH vectors, in floats: y[t] = W · x[t], with the norm
// before, and the bias, the residual or the gated activation after, in the same pass. Follows
// `matvec_rows`. What the norm needs besides, Σ x², falls out of the pass, as its factor can be
// applied at the end.
//
// Invocations take shares (layout_q4.wgsl tells) rather than whole units of 32: neighbours' units
// are 128 bytes of x apart, and a load of x by a subgroup then touches a line of the cache for
// every invocation. With half as many lines an H200 takes a fifth to a quarter less time.

@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(4) var<storage, read> gain: array<vec4f>;

// Quarters of a share, and how many of them are in the first half.
const QUARTERS: u32 = SHARE / 4;
const HALF: u32 = (QUARTERS + 1) / 2;

// Where in a row a share's quarter is, counted in quarters.
fn quarter_of(share: u32, q: u32) -> u32 {
  if (SHARE == UNIT) {
    return share * QUARTERS + q;
  }
  return share / 2u * 8u + share % 2u * 2u + q / 2u * 4u + q % 2u;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, lane: Lane) {
  let first = (group.x + group.y * groups.x) * ROWS;
  if (first >= N) {
    return;
  }
  let tokens = min(rows(), BATCH);
  var starts = line_starts(first, K / SHARE);
  var sums: array<f32, SUMS>;
  for (var i = lane.index; i < K / SHARE; i += WG) {
    var shares: array<Share, MAX_LINES>;
    for (var l = 0u; l < LINES; l++) {
      shares[l] = load_share(starts[l] + i);
    }
    for (var t = 0u; t < BATCH; t++) {
      if (t >= tokens) {
        break;
      }
      var part: array<vec4f, QUARTERS>;
      var low = vec4f();
      var high = vec4f();
      var squares = vec4f();
      let begin = (t * X_STRIDE + X_OFFSET) / 4u;
      for (var q = 0u; q < QUARTERS; q++) {
        let at = quarter_of(i, q);
        var v = x[begin + at];
        if (NORM == 1u) {
          squares += v * v;
          v *= gain[at] + GAIN_OFFSET;
        }
        part[q] = v;
        if (q < HALF) {
          low += v;
        } else {
          high += v;
        }
      }
      let part_sums = vec2f(dot(low, vec4f(1.0)), dot(high, vec4f(1.0)));
      for (var l = 0u; l < LINES; l++) {
        var dots = vec2f();
        for (var q = 0u; q < QUARTERS; q++) {
          dots[q / HALF] += dot(share4(shares[l], q), part[q]);
        }
        sums[t * LINES + l] += combine_share(shares[l], starts[l] + i, dots, part_sums);
      }
      if (NORM == 1u) {
        sums[BATCH * LINES + t] += dot(squares, vec4f(1.0));
      }
    }
  }
  finish(&sums, first, tokens, lane);
}
