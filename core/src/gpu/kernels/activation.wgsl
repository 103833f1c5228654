// Prelude of the kernels that apply an activation, by the number that their overrides have for it.

const SILU: u32 = 1;
const GELU_TANH: u32 = 2;
const GELU: u32 = 3;
const RELU: u32 = 4;

// x / (1 + exp(−z)). The exponent ends where 1 + exp() is still finite; x itself is not touched, so
// that a NaN stays one.
fn times_sigmoid(x: vec4f, z: vec4f) -> vec4f {
  return x / (1 + exp(min(-z, vec4f(88))));
}

// x / 2 · (1 + erf(x / √2)) = max(x, 0) − |x| / 2 · erfc(|x| / √2), with erfc by formula 7.1.26 of
// Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964: within 1.5e-7.
fn gelu(x: vec4f) -> vec4f {
  let z = abs(x) * 0.7071067811865476;
  let t = 1 / (1 + 0.3275911 * z);
  let p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t +
           0.254829592) * t;
  return 0.5 * (x + abs(x)) - 0.5 * abs(x) * p * exp(-z * z);
}

fn activated(kind: u32, x: vec4f) -> vec4f {
  switch kind {
    case SILU: {
      return times_sigmoid(x, x);
    }
    case GELU_TANH: {
      // 0.5 · x · (1 + tanh(u)) is x · sigmoid(2u), without tanh(), which WGSL keeps to 1e-5 only.
      return times_sigmoid(x, 1.5957691216057308 * (x + 0.044715 * x * x * x));  // 2 · sqrt(2 / π)
    }
    case GELU: {
      return gelu(x);
    }
    default: {
      return select(x, vec4f(0), x < vec4f(0));  // RELU; a NaN stays one
    }
  }
}
