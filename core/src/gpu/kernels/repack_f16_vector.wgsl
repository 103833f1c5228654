// A vector of halves → floats.

const SOURCE_BYTES: u32 = 2;

fn repack_unit(unit: u32, source: u32) {
  codes[unit] = bitcast<u32>(float_of_half(half_at(source)));
}
