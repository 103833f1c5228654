// IQ4_NL → q4t: the nibbles as they are, d as a float.

const SOURCE_BYTES: u32 = 18;

fn repack_unit(unit: u32, source: u32) {
  copy_nibbles(unit, source + 2u);
  scales[unit] = bitcast<u32>(float_of_half(half_at(source)));
}
