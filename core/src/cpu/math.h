// Exponential, sine and cosine without libm: inlined, and four at a time where that pays.
#pragma once

#include <cmath>

#include "cpu/simd.h"
#include "graph/op.h"

namespace hearth::cpu {

/// e^x with a relative error below 2e-7 for x in [-87, 88.3]; outside, e^-87 and e^88.3, so never
/// zero, never infinite. Split into 2^n · e^r with |r| <= ln(2)/2, then Cephes' polynomial for e^r
/// (expf.c, S. Moshier).
HEARTH_INLINE f32x4 exp(f32x4 x) {
  // Beyond these 2^n would leave the range of normal floats.
  x = min(max(x, splat(-87.0F)), splat(88.3F));
  // 1.5 · 2^23: adding it rounds to an integer, which is then in the low bits of the mantissa.
  constexpr float kRound = 12582912.0F;
  const f32x4 shifted = madd(x, splat(1.44269504F), splat(kRound));
  const i32x4 n = reinterpret_cast<i32x4>(shifted) - 0x4b400000;
  const f32x4 whole = shifted - splat(kRound);
  // ln(2) in two parts; the first has 9 bits, so its product with n is exact.
  f32x4 r = madd(whole, splat(-0.693359375F), x);
  r = madd(whole, splat(2.12194440e-4F), r);
  f32x4 p = splat(1.9875691500e-4F);
  p = madd(p, r, splat(1.3981999507e-3F));
  p = madd(p, r, splat(8.3334519073e-3F));
  p = madd(p, r, splat(4.1665795894e-2F));
  p = madd(p, r, splat(1.6666665459e-1F));
  p = madd(p, r, splat(5.0000001201e-1F));
  const f32x4 y = madd(p, r * r, r) + splat(1.0F);
  return reinterpret_cast<f32x4>(reinterpret_cast<i32x4>(y) + (n << 23));
}

HEARTH_INLINE f32x4 silu(f32x4 x) { return x / (splat(1.0F) + exp(-x)); }

/// x / 2 · (1 + tanh(u)) with u = √(2/π) · (x + 0.044715 x³), written as x · sigmoid(2u).
HEARTH_INLINE f32x4 gelu_tanh(f32x4 x) {
  constexpr float kTwice = 1.5957691216F;  // 2 · √(2/π)
  const f32x4 cubic = madd(x * x * x, splat(0.044715F), x);
  return x / (splat(1.0F) + exp(cubic * splat(-kTwice)));
}

/// x / 2 · (1 + erf(x / √2)), as max(x, 0) − |x| / 2 · erfc(|x| / √2), with erfc by formula 7.1.26
/// of Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964: within 1.5e-7, so the
/// result within 8e-8 · |x|.
HEARTH_INLINE f32x4 gelu(f32x4 x) {
  const f32x4 size = max(x, -x);
  const f32x4 z = size * splat(0.70710678F);
  const f32x4 t = splat(1.0F) / madd(z, splat(0.3275911F), splat(1.0F));
  f32x4 p = splat(1.061405429F);
  p = madd(p, t, splat(-1.453152027F));
  p = madd(p, t, splat(1.421413741F));
  p = madd(p, t, splat(-0.284496736F));
  p = madd(p, t, splat(0.254829592F));
  const f32x4 tail = p * t * exp(-(z * z));
  return (x + size) * splat(0.5F) - size * splat(0.5F) * tail;
}

/// A NaN stays one.
HEARTH_INLINE f32x4 relu(f32x4 x) { return select(x < splat(0.0F), splat(0.0F), x); }

/// Calls `use` with the function of that name.
template <typename Use>
void with_activation(graph::Activation activation, const Use& use) {
  switch (activation) {
    case graph::Activation::kSilu:
      return use([](f32x4 x) { return silu(x); });
    case graph::Activation::kGeluTanh:
      return use([](f32x4 x) { return gelu_tanh(x); });
    case graph::Activation::kGelu:
      return use([](f32x4 x) { return gelu(x); });
    case graph::Activation::kRelu:
      return use([](f32x4 x) { return relu(x); });
  }
}

/// Within 4e-7 of tanh(x): 1 − 2 / (e^2x + 1), whose terms are at most 2. Not relative near zero,
/// where the terms cancel.
HEARTH_INLINE f32x4 tanh(f32x4 x) { return splat(1.0F) - splat(2.0F) / (exp(x + x) + splat(1.0F)); }

/// Sine and cosine of an angle up to 2^24 radians (a rotation by a position), each within 2e-7: the
/// multiple of pi/2 is taken off in double, whose error is then below 2^24 · 2^-53 · 2 < 4e-9; the
/// rest by Cephes' polynomials for |r| <= pi/4 (sinf.c, S. Moshier).
inline void sine_cosine(float angle, float& sine, float& cosine) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 · 2^52 rounds a double to an integer
  const double shifted = angle * 0.63661977236758134 + kRound;
  const double turns = shifted - kRound;
  const auto r = static_cast<float>(angle - turns * 1.5707963267948966);
  const auto quadrant = static_cast<std::uint32_t>(load<std::uint64_t>(&shifted));
  const float r2 = r * r;
  const float s =
      ((-1.9515295891e-4F * r2 + 8.3321608736e-3F) * r2 - 1.6666654611e-1F) * r2 * r + r;
  const float c =
      ((2.443315711809948e-5F * r2 - 1.388731625493765e-3F) * r2 + 4.166664568298827e-2F) * r2 *
          r2 -
      0.5F * r2 + 1.0F;
  const bool swap = (quadrant & 1) != 0;
  const float a = swap ? c : s;
  const float b = swap ? s : c;
  sine = (quadrant & 2) != 0 ? -a : a;
  cosine = ((quadrant + 1) & 2) != 0 ? -b : b;
}

}  // namespace hearth::cpu
