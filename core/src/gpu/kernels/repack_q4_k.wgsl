// Q4_K → q4m: the product of the super-block's and the block's scale, and of the minima, become
// halves. In the file a byte holds element i of one block of 32 low, and of the next block high.

const SOURCE_BYTES: u32 = 144;

fn repack_unit(unit: u32, source: u32) {
  let factors = unpack2x16float(word_at(source)) * vec2f(1.0, -1.0);
  for (var group = 0u; group < 8u; group++) {
    let to = unit * 8u + group;
    scales[to] = pack2x16float(factors * vec2f(scale_and_min(source + 4u, group)));
    let plane = source + 16u + group / 2u * 32u;
    let shift = (group & 1u) * 4u;
    for (var i = 0u; i < 4u; i++) {
      let low = (word_at(plane + 4u * i) >> shift) & 0x0f0f0f0fu;
      let high = (word_at(plane + 16u + 4u * i) >> shift) & 0x0f0f0f0fu;
      codes[to * 4u + i] = low | (high << 4u);
    }
  }
}
