// Turns blocks of a GGUF file into the planes of a layout, at load. Follows `repack_<dtype>`, which
// gives
//   SOURCE_BYTES   bytes of a block in the file
//   repack_unit    writes one block: its place in the target's planes, and its first byte in
//                  `staging`
//
// A unit is one source block: 32 or 256 elements (one, for `repack_f16_vector` and
// `repack_bf16_vector`). A dispatch repacks `units` of them, which begin at byte `source_offset` of
// `staging` and become units `first_unit` and on of the planes. There is no step here: binding 0 is
// `Repack`. Bindings: 1 staging (read), 2 codes, 3 scales (both read_write; a vector's floats are
// its codes, and its scales a dummy). Grid: ceil((units + 1) / 2 / 64) workgroups over x and y; too
// many do no harm.
//
// A slice may begin and end anywhere. Where two neighbouring units share a word (scales of `q4` and
// `q8`) one invocation writes both halves, and at a slice's odd edge it keeps the half of the other
// slice; so slices of one plane must not be repacked by two invocations at once, which dispatches
// one after the other never are.
//
// `staging` has three bytes or more behind the last block, or what is read there is not used.

struct Repack {
  units: u32,
  first_unit: u32,
  source_offset: u32,
  spare: u32,
}

@group(0) @binding(0) var<uniform> job: Repack;
@group(0) @binding(1) var<storage, read> staging: array<u32>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

override WG: u32 = 64;

fn byte_at(address: u32) -> u32 {
  return extractBits(staging[address >> 2u], (address & 3u) * 8u, 8u);
}

fn signed_byte_at(address: u32) -> i32 {
  return i32(byte_at(address) << 24u) >> 24u;
}

// Blocks have sizes such as 18 and 210 bytes, so words begin anywhere.
fn word_at(address: u32) -> u32 {
  let shift = (address & 3u) * 8u;
  let low = staging[address >> 2u];
  if (shift == 0u) {
    return low;
  }
  return (low >> shift) | (staging[(address >> 2u) + 1u] << (32u - shift));
}

fn half_at(address: u32) -> u32 {
  return byte_at(address) | (byte_at(address + 1u) << 8u);
}

fn float_of_half(half: u32) -> f32 {
  return unpack2x16float(half).x;
}

// Sets one half of a word: half 2w of the plane is the lower of word w. Only the invocation that
// has both halves' units comes here.
fn store_half(place: u32, half: u32) {
  let shift = (place & 1u) * 16u;
  let kept = scales[place >> 1u] & (0xffff0000u >> shift);
  scales[place >> 1u] = kept | (half << shift);
}

// The codes of 32 elements from sixteen bytes that hold nibbles in the same order.
fn copy_nibbles(unit: u32, source: u32) {
  for (var i = 0u; i < 4u; i++) {
    codes[unit * 4u + i] = word_at(source + 4u * i);
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let pair = job.first_unit / 2u + (group.x + group.y * groups.x) * WG + lane;
  for (var unit = 2u * pair; unit < 2u * pair + 2u; unit++) {
    if (unit >= job.first_unit && unit - job.first_unit < job.units) {
      repack_unit(unit, job.source_offset + (unit - job.first_unit) * SOURCE_BYTES);
    }
  }
}
