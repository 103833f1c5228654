// Q6_K → q8m: six bits become bytes from −32 to 31; the products of scales become halves, minima
// are zero.

const SOURCE_BYTES: u32 = 210;

fn repack_unit(unit: u32, source: u32) {
  let d = float_of_half(half_at(source + 208u));
  for (var group = 0u; group < 16u; group++) {
    let scale = d * f32(signed_byte_at(source + 192u + group));
    scales[unit * 16u + group] = pack2x16float(vec2f(scale, 0.0));
  }
  for (var i = 0u; i < 256u; i += 4u) {
    let half = i / 128u;
    let within = i % 128u;
    let nibbles = word_at(source + half * 64u + within % 64u) >> (within / 64u * 4u);
    let tops = word_at(source + 128u + half * 32u + within % 32u) >> (within / 32u * 2u);
    let six = (nibbles & 0x0f0f0f0fu) | ((tops & 0x03030303u) << 4u);
    codes[unit * 64u + i / 4u] = pack4xI8(vec4i(unpack4xU8(six)) - 32);
  }
}
