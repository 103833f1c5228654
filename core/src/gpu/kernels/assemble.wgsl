// What `assemble_codes`, `assemble_zeros` and `assemble_scales` share: at load they bring the tensors
// of a GPTQ or AWQ matrix (core/src/tensor/packed_format.h draws them) into the planes of `q4m` or
// `q8m` with zero points. Each tensor comes alone, in slices, and writes what is its own.
//
// The tensors lie transposed: a unit, which a slice has a whole number of, is what all rows have of
// some columns. Of `staging` a unit begins at byte `source_offset`, and is unit `first_unit` of its
// tensor. Bindings: 0 the slice (`Slice`), 1 staging (read), then those of the kernel. Grid: x = units
// or fewer, y = ceil(ROWS / 64); a workgroup takes 64 rows of a unit.
//
// Planes begin as zeros, as WebGPU makes buffers; where two tensors share a word, each sets its bits.

struct Slice {
  units: u32,
  first_unit: u32,
  source_offset: u32,
  spare: u32,
}

@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<storage, read> staging: array<u32>;

override K: u32;         // columns of the matrix
override OF: u32;        // rows of the tensor, of which
override ROWS: u32;      // so many
override FROM: u32 = 0;  // from this one on
override TO: u32 = 0;    // become rows of the planes from this one on
override BITS: u32 = 4;  // of a code in the tensor
override AWQ: u32 = 0;
override WIDE: u32 = 0;  // 1: codes become bytes (`q8m`), not nibbles (`q4m`)

const BLOCK: u32 = 32;
const WG: u32 = 64;

// The number of BITS that begins at bit `bit` of words from `word` on, `stride` apart.
fn bits_at(word: u32, stride: u32, bit: u32) -> u32 {
  let at = word + bit / 32u * stride;
  let shift = bit % 32u;
  var value = staging[at] >> shift;
  if (shift + BITS > 32u) {
    value |= staging[at + stride] << (32u - shift);
  }
  return extractBits(value, 0u, BITS);
}

// The number of a row among those of all rows, which begin at word `word`. AWQ's words have the even
// ones of eight first.
fn across(word: u32, row: u32) -> u32 {
  if (AWQ == 1u) {
    let slot = row % 8u / 2u + row % 2u * 4u;
    return extractBits(staging[word + row / 8u], 4u * slot, 4u);
  }
  return bits_at(word, 1u, row * BITS);
}
