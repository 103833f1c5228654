// Q2_K → q8m: two bits become bytes from 0 to 3; the products of scales, and of minima, become
// halves.

const SOURCE_BYTES: u32 = 84;

fn repack_unit(unit: u32, source: u32) {
  let factors = unpack2x16float(word_at(source + 80u)) * vec2f(1.0, -1.0);
  for (var group = 0u; group < 16u; group++) {
    let packed = byte_at(source + group);
    scales[unit * 16u + group] = pack2x16float(factors * vec2f(vec2u(packed & 15u, packed >> 4u)));
  }
  for (var i = 0u; i < 256u; i += 4u) {
    let four = word_at(source + 16u + i / 128u * 32u + i % 32u);
    codes[unit * 64u + i / 4u] = (four >> (i % 128u / 32u * 2u)) & 0x03030303u;
  }
}
