// Of the full sampling program: decides a filter's level before, and counts the next ten bits of
// the weights that share the bits decided so far. After `sample_select.wgsl`.

override BY: u32;     // the filter: 0 top-k, 1 top-p
override LEVEL: u32;  // whose histogram is made: 2 or 3

// For each bin how many weights it has; for level 2 then the sum of their last ten bits.
var<workgroup> histogram: array<atomic<u32>, 2 * BINS>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (id.x * PIECE >= VOCAB) {
    return;
  }
  let best = best_of_pieces(lane);
  let filters = select((settings.top_p < 1), settings.top_k > 0, BY == TOP_K);
  if (is_certain(best) || !filters) {
    return;
  }
  for (var i = lane; i < 2 * BINS; i += WG) {
    atomicStore(&histogram[i], 0);
  }

  var found: Found;
  if (LEVEL == 2) {
    var share_of = -1.0;
    if (BY == TOP_P && settings.top_k > 0) {
      // Top-p takes its share of what top-k left.
      let kept = decide(TOP_K, 3, load_found(TOP_K, 2), 0, lane);
      share_of = kept_sum(kept);
      if (id.x == 0 && lane == 0) {
        store_found(TOP_K, 3, kept);
      }
    }
    found = decide(BY, 1, Found(), share_of, lane);
  } else {
    found = decide(BY, 2, load_found(BY, 1), 0, lane);
  }
  if (id.x == 0 && lane == 0) {
    store_found(BY, LEVEL - 1, found);
  }

  let begin = id.x * PIECE;
  let end = min(begin + PIECE, VOCAB);
  let shift = 30 - 10 * (LEVEL - 1);
  for (var i = begin + lane; i < end; i += WG) {
    let weight = logits[i];
    if (weight > 0 && (weight >> shift) == found.prefix) {
      let bin = (weight >> (shift - 10)) % BINS;
      atomicAdd(&histogram[bin], 1);
      if (LEVEL == 2) {
        atomicAdd(&histogram[BINS + bin], weight % BINS);
      }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < select(BINS, 2 * BINS, LEVEL == 2); i += WG) {
    let count = atomicLoad(&histogram[i]);
    if (count > 0) {
      atomicAdd(&scratch[histogram_at(BY, LEVEL) + i], count);
    }
  }
  // Binding 0 is part of every kernel; this one needs nothing of it.
  _ = step.position;
}
