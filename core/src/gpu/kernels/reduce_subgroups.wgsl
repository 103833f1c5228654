enable subgroups;
requires subgroup_id;

// Prelude: sums over a workgroup, first within subgroups, then over what each of them found. Needs
// the feature `subgroups` and the language feature `subgroup_id`.
//
// A reduce prelude gives the kernel that follows it:
//   Lane       what `main` takes as a parameter; `lane.index` numbers the invocations
//   reduce     adds up element i of all invocations' `values`, for each i below `count`; `main`
//              calls it once, in uniform control flow
//   total      after that, the sum of element i, for every invocation
// and asks of the kernel: WG, its invocations, and SUMS, the most elements that it has: 40. The
// order of additions depends on the size of subgroups and on nothing else, so that a device always
// gives the same result.

struct Lane {
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_invocation_id) place: u32,
}

// There are no smaller subgroups than of four.
var<workgroup> partials: array<vec4f, (SUMS / 4u) * ((WG + 3u) / 4u)>;
var<workgroup> totals: array<f32, SUMS>;

fn reduce_four(values: ptr<function, array<f32, SUMS>>, begin: u32, count: u32, lane: Lane) {
  if (begin >= count) {
    return;
  }
  let sum = subgroupAdd(vec4f((*values)[begin], (*values)[begin + 1u], (*values)[begin + 2u],
                              (*values)[begin + 3u]));
  if (lane.place == 0u) {
    partials[lane.subgroup * (SUMS / 4u) + begin / 4u] = sum;
  }
}

fn reduce(values: ptr<function, array<f32, SUMS>>, count: u32, lane: Lane) {
  // Not a loop: a compiler does not unroll one with subgroup operations in it, and then keeps
  // `values`, which the kernel's inner loop adds to, in memory: 30 % slower for `matvec_dot8`
  // on an H200.
  reduce_four(values, 0u, count, lane);
  reduce_four(values, 4u, count, lane);
  reduce_four(values, 8u, count, lane);
  reduce_four(values, 12u, count, lane);
  reduce_four(values, 16u, count, lane);
  reduce_four(values, 20u, count, lane);
  reduce_four(values, 24u, count, lane);
  reduce_four(values, 28u, count, lane);
  reduce_four(values, 32u, count, lane);
  reduce_four(values, 36u, count, lane);
  workgroupBarrier();
  for (var i = lane.index; i < count; i += WG) {
    var sum = 0.0;
    for (var s = 0u; s < lane.subgroups; s++) {
      sum += partials[s * (SUMS / 4u) + i / 4u][i % 4u];
    }
    totals[i] = sum;
  }
  workgroupBarrier();
}

fn total(i: u32) -> f32 {
  return totals[i];
}
