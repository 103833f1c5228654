// A vector of bfloat16 → floats, whose upper halves they are.

const SOURCE_BYTES: u32 = 2;

fn repack_unit(unit: u32, source: u32) {
  codes[unit] = half_at(source) << 16u;
}
