// What the kernels that repack Q4_K and Q5_K share: their blocks' scales are packed alike.

// The scale (.x) and the minimum of a block: `dequantize.cc` draws how they are packed.
fn scale_and_min(packed: u32, group: u32) -> vec2u {
  if (group < 4u) {
    return vec2u(byte_at(packed + group), byte_at(packed + group + 4u)) & vec2u(0x3fu);
  }
  let low = byte_at(packed + group + 4u);
  let tops = vec2u(byte_at(packed + group - 4u), byte_at(packed + group)) >> vec2u(6u);
  return vec2u(low & 15u, low >> 4u) | (tops << vec2u(4u));
}
