// IQ4_XS → q4t: the nibbles as they are, the product of the super-block's and the block's scale as
// a float.

const SOURCE_BYTES: u32 = 136;

fn repack_unit(unit: u32, source: u32) {
  let d = float_of_half(half_at(source));
  let upper = half_at(source + 2u);
  let lower = word_at(source + 4u);
  for (var group = 0u; group < 8u; group++) {
    let scale = extractBits(lower, group * 4u, 4u) | (extractBits(upper, group * 2u, 2u) << 4u);
    scales[unit * 8u + group] = bitcast<u32>(d * f32(i32(scale) - 32));
    copy_nibbles(unit * 8u + group, source + 8u + group * 16u);
  }
}
