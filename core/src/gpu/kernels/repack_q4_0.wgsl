// Q4_0 → q4: d and the nibbles, as they are.

const SOURCE_BYTES: u32 = 18;

fn repack_unit(unit: u32, source: u32) {
  copy_nibbles(unit, source + 2u);
  store_half(unit, half_at(source));
}
