// Q4_1 → q4m: d, m and the nibbles, as they are.

const SOURCE_BYTES: u32 = 20;

fn repack_unit(unit: u32, source: u32) {
  copy_nibbles(unit, source + 4u);
  scales[unit] = word_at(source);
}
