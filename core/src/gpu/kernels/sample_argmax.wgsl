// First of both sampling programs: applies biases and penalties to a piece of the logits, and finds
// the largest of the piece. After `sample.wgsl`.

fn penalized(x: f32, count: u32) -> f32 {
  var y = x;
  if ((count & 0xffff) > 0) {
    y = select(y * settings.repetition, y / settings.repetition, y > 0);
  }
  if ((count >> 16) > 0) {
    y -= settings.presence + settings.frequency * f32(count >> 16);
  }
  return y;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var i = id.x * WG + lane; i < HISTOGRAM_WORDS; i += PIECES * WG) {
    atomicStore(&scratch[HISTOGRAMS + i], 0);
  }

  let begin = id.x * PIECE;
  let end = min(begin + PIECE, VOCAB);
  if (begin >= VOCAB) {
    if (lane == 0) {
      atomicStore(&scratch[BEST + 2 * id.x], 0);
      atomicStore(&scratch[BEST + 2 * id.x + 1], NONE);
    }
    return;
  }
  // Each invocation goes through all biases and applies those of the ids that it will look at: in
  // their order, and before the penalties, without a barrier.
  for (var i = 0u; i < settings.bias_count; i++) {
    let entry = settings.bias[i];
    if (entry.x >= begin && entry.x < end && (entry.x - begin) % WG == lane) {
      logits[entry.x] = bitcast<u32>(bitcast<f32>(logits[entry.x]) + bitcast<f32>(entry.y));
    }
  }
  var best = vec2u(0, NONE);
  for (var i = begin + lane; i < end; i += WG) {
    if (settings.penalize == 1 && counts[i] > 0) {
      logits[i] = bitcast<u32>(penalized(bitcast<f32>(logits[i]), counts[i]));
    }
    let own = order(logits[i]);
    if (own > best.x) {
      best = vec2u(own, i);
    }
  }
  best = best_of(best, lane);
  if (lane == 0) {
    atomicStore(&scratch[BEST + 2 * id.x], best.x);
    atomicStore(&scratch[BEST + 2 * id.x + 1], best.y);
  }
  // Binding 0 is part of every kernel; this one needs nothing of it.
  _ = step.position;
}
