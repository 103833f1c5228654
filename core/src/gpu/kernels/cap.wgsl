// Prelude of the kernels that attend: scores become SOFT_CAP · tanh(score / SOFT_CAP), where a model has
// that.

override SOFT_CAP: f32 = 0;

fn capped(score: vec4f) -> vec4f {
  if (SOFT_CAP == 0) {
    return score;
  }
  let e = exp(-2 * abs(score / SOFT_CAP));  // tanh(), which WGSL keeps to 1e-5 only
  let t = SOFT_CAP * (1 - e) / (1 + e);
  return select(t, -t, score < vec4f(0));
}
