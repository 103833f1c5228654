// Prelude of the kernels that turn queries and keys: sines and cosines of large angles.
//
// WGSL promises sin() and cos() to 2^-11 only, and between −π and π only; an angle here is a
// position times a frequency, up to 2^23 radians.

// The high 32 bits of the product.
fn high_product(a: u32, b: u32) -> u32 {
  let low = (a & 0xffff) * (b & 0xffff);
  let middle = (a >> 16) * (b & 0xffff) + (low >> 16);
  let other = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
  return (a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16);
}

// (sine, cosine) of an angle that is not negative, each within 2e-7. Past 2^23 it is no number.
fn turn(angle: f32) -> vec2f {
  let bits = bitcast<u32>(angle);
  var quadrant = 0u;
  var rest = angle;
  if (bits >= 0x3f000000) {  // 0.5; below, the angle is within π/4 of zero already
    // Quarter turns in integers, which no compiler rounds otherwise: the angle is mantissa /
    // 2^shift, and 2/π is 0xa2f9836e4e441529 / 2^64. Of the product's 88 bits, those of 2^-32 and
    // more.
    let mantissa = (bits & 0x7fffff) | 0x800000;
    let shift = 150 - (bits >> 23);
    let low = mantissa * 0xa2f9836e;
    let middle = low + high_product(mantissa, 0x4e441529);
    let high = high_product(mantissa, 0xa2f9836e) + select(0u, 1u, middle < low);
    let fraction = (middle >> shift) | (high << (32 - shift));
    // To the nearest quarter: the fraction's first bit is its sign then.
    quadrant = (high >> shift) + (fraction >> 31);
    rest = f32(bitcast<i32>(fraction)) * 3.6572952e-10;  // π/2 · 2^-32
  }
  // Cephes' polynomials for |rest| ≤ π/4 (sinf.c, S. Moshier).
  let r2 = rest * rest;
  let s = ((-1.9515295891e-4 * r2 + 8.3321608736e-3) * r2 - 1.6666654611e-1) * r2 * rest + rest;
  let c = ((2.443315711809948e-5 * r2 - 1.388731625493765e-3) * r2 + 4.166664568298827e-2) * r2 *
          r2 - 0.5 * r2 + 1;
  var result = select(vec2f(s, c), vec2f(c, s), (quadrant & 1) != 0);
  result *= select(vec2f(1), vec2f(-1), vec2<bool>((quadrant & 2) != 0, ((quadrant + 1) & 2) != 0));
  // Infinities, NaN and what the shift cannot hold. A variable, as WGSL refuses a constant NaN.
  var no_number = 0x7fc00000u;
  return select(result, vec2f(bitcast<f32>(no_number)), bits >= 0x4b000000);
}
