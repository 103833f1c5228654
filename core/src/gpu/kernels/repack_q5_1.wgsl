// Q5_1 → q8m: nibbles and fifth bits become bytes from 0 to 31; both halves of a unit have its d
// and m.

const SOURCE_BYTES: u32 = 24;

fn repack_unit(unit: u32, source: u32) {
  let fifth = word_at(source + 4u);
  for (var i = 0u; i < 32u; i += 4u) {
    // Elements below 16 are the low nibbles of the sixteen bytes, the others the high ones.
    let nibbles = unpack4xU8((word_at(source + 8u + (i & 15u)) >> (i / 16u * 4u)) & 0x0f0f0f0fu);
    let tops = (vec4u(fifth) >> (vec4u(0u, 1u, 2u, 3u) + i)) & vec4u(1u);
    codes[unit * 8u + i / 4u] = pack4xU8(nibbles | (tops << vec4u(4u)));
  }
  let dm = word_at(source);
  scales[unit * 2u] = dm;
  scales[unit * 2u + 1u] = dm;
}
