// Second of the full sampling program: logits become weights, and the first ten bits of all weights
// are counted. After `sample.wgsl`.

// For each bin how many weights it has, the sum of their bits 10 to 19, and of their bits 0 to 9.
var<workgroup> histogram: array<atomic<u32>, 3 * BINS>;

// The weight's bits, or 0 for what the draw leaves out.
fn weight_of(bits: u32, largest: f32) -> u32 {
  if (order(bits) == 0) {
    return 0;
  }
  let x = bitcast<f32>(bits);
  // exp(0) may be off by three units, but the largest weight is 1.
  let weight = select(exp((x - largest) / settings.temperature), 1.0, x == largest);
  // Numbers below 2^-126 may or may not be held; nothing of this size is ever drawn.
  if (weight < 0x1p-126 || weight < settings.min_p) {
    return 0;
  }
  return bitcast<u32>(min(weight, 1));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (id.x * PIECE >= VOCAB) {
    return;
  }
  let best = best_of_pieces(lane);
  if (is_certain(best)) {
    return;
  }
  let largest = number_of(best.x);
  for (var i = lane; i < 3 * BINS; i += WG) {
    atomicStore(&histogram[i], 0);
  }
  workgroupBarrier();

  let begin = id.x * PIECE;
  let end = min(begin + PIECE, VOCAB);
  for (var i = begin + lane; i < end; i += WG) {
    let weight = weight_of(logits[i], largest);
    logits[i] = weight;
    if (weight > 0) {
      let bin = weight >> 20;
      atomicAdd(&histogram[bin], 1);
      atomicAdd(&histogram[BINS + bin], (weight >> 10) % BINS);
      atomicAdd(&histogram[2 * BINS + bin], weight % BINS);
    }
  }
  workgroupBarrier();
  for (var i = lane; i < 3 * BINS; i += WG) {
    let count = atomicLoad(&histogram[i]);
    if (count > 0) {
      atomicAdd(&scratch[HISTOGRAMS + i], count);
    }
  }
  // Binding 0 is part of every kernel; this one needs nothing of it.
  _ = step.position;
}
