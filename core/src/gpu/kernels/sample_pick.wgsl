// Last of the greedy program: the largest of the pieces' largest logits. One workgroup. After
// `sample.wgsl`.

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
  let best = best_of_pieces(lane);
  if (lane == 0) {
    choose(best.y);
  }
}
