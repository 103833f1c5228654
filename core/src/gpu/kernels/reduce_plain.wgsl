// Prelude: sums over a workgroup through workgroup memory alone, for adapters without subgroups.
// The interface is told in reduce_subgroups.wgsl.

struct Lane {
  @builtin(local_invocation_index) index: u32,
}

// How many invocations add up what all wrote, before others add what these found: about the square
// root of a workgroup, so that both rounds are short.
const SUMMERS: u32 = 16;

var<workgroup> partials: array<vec4f, WG>;
var<workgroup> strips: array<vec4f, SUMMERS>;
var<workgroup> totals: array<f32, SUMS>;

fn reduce(values: ptr<function, array<f32, SUMS>>, count: u32, lane: Lane) {
  // Four at once, for a quarter of the barriers.
  for (var begin = 0u; begin < count; begin += 4u) {
    partials[lane.index] = vec4f((*values)[begin], (*values)[begin + 1u], (*values)[begin + 2u],
                                 (*values)[begin + 3u]);
    workgroupBarrier();
    if (lane.index < SUMMERS) {
      var sum = vec4f();
      for (var i = lane.index; i < WG; i += SUMMERS) {
        sum += partials[i];
      }
      strips[lane.index] = sum;
    }
    workgroupBarrier();
    if (lane.index < 4u) {
      var sum = 0.0;
      for (var i = 0u; i < SUMMERS; i++) {
        sum += strips[i][lane.index];
      }
      totals[begin + lane.index] = sum;
    }
    // The next round writes `partials` at once, which nobody reads any more, and `strips` only
    // after a barrier: so one barrier after the rounds is enough.
  }
  workgroupBarrier();
}

fn total(i: u32) -> f32 {
  return totals[i];
}
