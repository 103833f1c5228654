// Q8_0 → q8: d and the bytes, as they are.

const SOURCE_BYTES: u32 = 34;

fn repack_unit(unit: u32, source: u32) {
  for (var i = 0u; i < 8u; i++) {
    codes[unit * 8u + i] = word_at(source + 2u + 4u * i);
  }
  store_half(unit, half_at(source));
}
