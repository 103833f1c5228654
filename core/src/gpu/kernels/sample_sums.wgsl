// Of the full sampling program: decides the filters' last level, and sums the weights that they
// keep of each piece. After `sample_select.wgsl`.

var<workgroup> sums: array<f32, WG>;
var<workgroup> equals: array<u32, WG>;

// What both filters keep: the weights above the prefix, and the first `equal` of those that have
// it.
fn both(lane: u32) -> Found {
  // Nothing is cut: every weight's bits are above these.
  var found = Found();
  if (settings.top_p < 1) {
    found = decide(TOP_P, 3, load_found(TOP_P, 2), 0, lane);
    if (settings.top_k > 0) {
      // Of the first top_k in the order, those that top-p keeps are the first, too; but sums are
      // rounded.
      let other = load_found(TOP_K, 3);
      if (other.prefix > found.prefix) {
        found = other;
      } else if (other.prefix == found.prefix) {
        found.equal = min(found.equal, other.equal);
      }
    }
  } else if (settings.top_k > 0) {
    found = decide(TOP_K, 3, load_found(TOP_K, 2), 0, lane);
  }
  return found;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (id.x * PIECE >= VOCAB) {
    if (lane == 0) {
      atomicStore(&scratch[SUMS + 2 * id.x], 0);
      atomicStore(&scratch[SUMS + 2 * id.x + 1], 0);
    }
    return;
  }
  if (is_certain(best_of_pieces(lane))) {
    return;
  }
  let cut = both(lane);
  if (id.x == 0 && lane == 0) {
    store_found(BOTH, 3, cut);
  }
  let begin = id.x * PIECE;
  let end = min(begin + PIECE, VOCAB);
  var sum = 0.0;
  var equal = 0u;
  for (var i = begin + lane; i < end; i += WG) {
    let weight = logits[i];
    if (weight > cut.prefix) {
      sum += bitcast<f32>(weight);
    } else if (weight > 0 && weight == cut.prefix) {
      equal++;
    }
  }
  sums[lane] = sum;
  equals[lane] = equal;
  for (var half = WG / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
      equals[lane] += equals[lane + half];
    }
  }
  if (lane == 0) {
    atomicStore(&scratch[SUMS + 2 * id.x], bitcast<u32>(sums[0]));
    atomicStore(&scratch[SUMS + 2 * id.x + 1], equals[0]);
  }
  // Binding 0 is part of every kernel; this one needs nothing of it.
  _ = step.position;
}
