// Q3_K → q8m: three bits become bytes from −4 to 3; the products of scales become halves, minima
// are zero.

const SOURCE_BYTES: u32 = 110;

// The scale of sixteen elements, without its bias of 32: `dequantize.cc` draws how they are packed.
fn six_bits(packed: u32, group: u32) -> u32 {
  let low = extractBits(byte_at(packed + group % 8u), group / 8u * 4u, 4u);
  return low | (extractBits(byte_at(packed + 8u + group % 4u), group / 4u * 2u, 2u) << 4u);
}

fn repack_unit(unit: u32, source: u32) {
  let d = float_of_half(half_at(source + 108u));
  for (var group = 0u; group < 16u; group++) {
    let scale = d * f32(i32(six_bits(source + 96u, group)) - 32);
    scales[unit * 16u + group] = pack2x16float(vec2f(scale, 0.0));
  }
  for (var i = 0u; i < 256u; i += 4u) {
    let four = word_at(source + 32u + i / 128u * 32u + i % 32u) >> (i % 128u / 32u * 2u);
    let third = (word_at(source + i % 32u) >> (i / 32u)) & 0x01010101u;
    let three = (four & 0x03030303u) | (third << 2u);
    codes[unit * 64u + i / 4u] = pack4xI8(vec4i(unpack4xU8(three)) - 4);
  }
}
