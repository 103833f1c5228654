// MXFP4 → q4t with TABLE_KIND 1: the nibbles as they are, the exponent as a float 2^(exponent −
// 127).

const SOURCE_BYTES: u32 = 17;

fn repack_unit(unit: u32, source: u32) {
  copy_nibbles(unit, source + 1u);
  // Exponent 0 is subnormal, which a device may take for zero: no weight is of that size.
  let exponent = byte_at(source);
  scales[unit] = select(exponent << 23u, 0x00400000u, exponent == 0u);
}
