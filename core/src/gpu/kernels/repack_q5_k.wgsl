// Q5_K → q8m: nibbles and fifth bits become bytes from 0 to 31; the products of scales, and of
// minima, become halves, each twice, as `q8m` has them for sixteen elements.

const SOURCE_BYTES: u32 = 176;

fn repack_unit(unit: u32, source: u32) {
  let factors = unpack2x16float(word_at(source)) * vec2f(1.0, -1.0);
  for (var group = 0u; group < 8u; group++) {
    let dm = pack2x16float(factors * vec2f(scale_and_min(source + 4u, group)));
    scales[unit * 16u + group * 2u] = dm;
    scales[unit * 16u + group * 2u + 1u] = dm;
    let plane = source + 48u + group / 2u * 32u;
    for (var i = 0u; i < 8u; i++) {
      let nibbles = (word_at(plane + 4u * i) >> ((group & 1u) * 4u)) & 0x0f0f0f0fu;
      let fifth = (word_at(source + 16u + 4u * i) >> group) & 0x01010101u;
      codes[unit * 64u + group * 8u + i] = nibbles | (fifth << 4u);
    }
  }
}
