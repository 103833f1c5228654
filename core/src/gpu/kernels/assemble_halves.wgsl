// What `assemble_zeros` and `assemble_scales` share: a unit is a group of columns, whose number for a
// row goes into one half of each of its words in the scales plane: the lower has the scale, the upper
// the zero point. Follows `assemble`. Bindings: 2 scales.

override GROUP: u32;  // blocks of a group

@group(0) @binding(2) var<storage, read_write> scales: array<u32>;

fn store_halves(row: u32, unit: u32, half: u32, shift: u32) {
  let words = select(1u, 2u, WIDE == 1u);  // of a block
  let begin = unit * GROUP;
  let end = min(begin + GROUP, K / BLOCK);
  for (var i = begin * words; i < end * words; i++) {
    let at = (TO + row) * (K / BLOCK) * words + i;
    scales[at] = (scales[at] & (0xffff0000u >> shift)) | (half << shift);
  }
}
