// Nibbles that a table gives meaning, with a scale each 32: value = d · TABLE[code]. The interface
// of all layouts is told in layout_q4.wgsl; here a "code" is already the table's number.

// 0: IQ4_NL and IQ4_XS; 1: the e2m1 floats of MXFP4.
override TABLE_KIND: u32 = 0;

const UNIT: u32 = 32;
const SHARE: u32 = 16;

// Four signed bytes a word, the first lowest. IQ4's are −127, −104, −83, −65, −49, −35, −22, −10,
// 1, 13, 25, 38, 53, 69, 89, 113. The e2m1 floats are doubled, to be whole: 0, 1, 2, 3, 4, 6, 8, 12
// and their negatives.
const IQ4_TABLE = vec4u(0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u);
const E2M1_TABLE = vec4u(0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu);

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
// The same as `codes`: an entry point may use one of the two.
@group(0) @binding(1) var<storage, read> code_pairs: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<f32>;

struct Unit {
  codes: vec4u,
  d: f32,
}

// Half the scale undoes the doubling of the table.
fn scale_of(unit: u32) -> f32 {
  return scales[unit] * select(1.0, 0.5, TABLE_KIND == 1u);
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[unit], scale_of(unit));
}

fn table_byte(nibble: u32) -> u32 {
  let words = select(IQ4_TABLE, E2M1_TABLE, vec4<bool>(TABLE_KIND == 1u));
  return (words[nibble >> 2u] >> ((nibble & 3u) * 8u)) & 0xffu;
}

fn table_bytes(nibbles: u32) -> u32 {
  return table_byte(nibbles & 15u) | (table_byte((nibbles >> 8u) & 15u) << 8u) |
         (table_byte((nibbles >> 16u) & 15u) << 16u) | (table_byte((nibbles >> 24u) & 15u) << 24u);
}

fn bytes4(unit: Unit, quarter: u32) -> u32 {
  return table_bytes(unit.codes[quarter & 3u] >> (quarter & 4u));
}

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return unit.d * (dots.x + dots.y);
}

fn factors(unit: Unit) -> vec2f {
  return vec2f(unit.d, 0.0);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.d * vec4f(unpack4xI8(bytes4(unit, quarter)));
}

struct Part {
  word: u32,
  d: f32,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit][quarter], scale_of(unit));
}

fn part_low(part: Part) -> vec4f {
  return part.d * vec4f(unpack4xI8(table_bytes(part.word)));
}

fn part_high(part: Part) -> vec4f {
  return part.d * vec4f(unpack4xI8(table_bytes(part.word >> 4u)));
}

struct Share {
  codes: vec2u,
  d: f32,
}

fn load_share(share: u32) -> Share {
  return Share(code_pairs[share], scale_of(share >> 1u));
}

// Without conversions, as layout_q4.wgsl tells. A signed byte with its sign bit turned over is the
// byte + 128.
fn signed_bytes(word: u32) -> vec4f {
  let bits = vec4u(word, word, word >> 16u, word >> 16u) & vec4u(0xffu, 0xff00u, 0xffu, 0xff00u);
  return bitcast<vec4f>(bits ^ vec4u(0x4b000080u, 0x47008000u, 0x4b000080u, 0x47008000u)) -
         vec4f(8388736.0, 32896.0, 8388736.0, 32896.0);
}

fn share4(share: Share, quarter: u32) -> vec4f {
  return signed_bytes(table_bytes(share.codes[quarter & 1u] >> ((quarter & 2u) * 2u)));
}

fn combine_share(share: Share, at: u32, dots: vec2f, sums: vec2f) -> f32 {
  return share.d * (dots.x + dots.y);
}
