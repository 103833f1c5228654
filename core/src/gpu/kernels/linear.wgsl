// What all kernels of a linear layer share: the numbers that say which part of which value is
// which, and the end of a result's way: bias, residual, store. Follows a layout.
//
// y[t, ROW0 + n] = Σₖ W[n, k] · x[t, k] + bias[ROW0 + n] + r[t, ROW0 + n]. ROW0 is where this piece
// of W begins, when a matrix is larger than a binding may be. Norm and gated activation are
// `matvec`'s alone; the others declare their overrides so that a dispatch is described alike for
// all.

override K: u32 = 32;
override N: u32 = 1;
override ROW0: u32 = 0;
override X_STRIDE: u32 = 32;
override X_OFFSET: u32 = 0;
override Y_STRIDE: u32 = 4;
override Y_OFFSET: u32 = 0;
override R_STRIDE: u32 = 4;
override R_OFFSET: u32 = 0;
override NORM: u32 = 0;
override EPSILON: f32 = 0.0;
override GAIN_OFFSET: f32 = 0.0;
override BIAS: u32 = 0;
override RESIDUAL: u32 = 0;  // 0: none, 1: from r, 2: y holds it
override GLU: u32 = 0;       // 0: none, 1: silu, 2: gelu_tanh

@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> r: array<f32>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;

fn biased(row: u32, value: f32) -> f32 {
  if (BIAS == 1u) {
    return value + bias[ROW0 + row];
  }
  return value;
}

fn put(t: u32, n: u32, value: f32) {
  let to = t * Y_STRIDE + Y_OFFSET + ROW0 + n;
  if (RESIDUAL == 1u) {
    y[to] = value + r[t * R_STRIDE + R_OFFSET + ROW0 + n];
  } else if (RESIDUAL == 2u) {
    y[to] += value;
  } else {
    y[to] = value;
  }
}
