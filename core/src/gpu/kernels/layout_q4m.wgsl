// Nibbles with a scale and a minimum each 32: value = d · code + m. The interface of all layouts is
// told in layout_q4.wgsl.

const UNIT: u32 = 32;
const SHARE: u32 = 16;

// With ZERO_POINTS the upper half is a zero point: value = d · (code − z). Products of a half and a
// whole number of at most 9 bits are exact in floats.
override ZERO_POINTS: u32 = 0;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
// The same as `codes`: an entry point may use one of the two.
@group(0) @binding(1) var<storage, read> code_pairs: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;

fn scale_and_min(word: u32) -> vec2f {
  let halves = unpack2x16float(word);
  return vec2f(halves.x, select(halves.y, -halves.x * halves.y, ZERO_POINTS == 1u));
}

struct Unit {
  codes: vec4u,
  dm: vec2f,
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[unit], scale_and_min(scales[unit]));
}

fn bytes4(unit: Unit, quarter: u32) -> u32 {
  return (unit.codes[quarter & 3u] >> (quarter & 4u)) & 0x0f0f0f0fu;
}

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return unit.dm.x * (dots.x + dots.y) + unit.dm.y * (sums.x + sums.y);
}

fn factors(unit: Unit) -> vec2f {
  return unit.dm;
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.dm.x * vec4f(unpack4xU8(bytes4(unit, quarter))) + unit.dm.y;
}

struct Part {
  word: u32,
  dm: vec2f,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit][quarter], scale_and_min(scales[unit]));
}

fn part_low(part: Part) -> vec4f {
  return part.dm.x * vec4f(unpack4xU8(part.word & 0x0f0f0f0fu)) + part.dm.y;
}

fn part_high(part: Part) -> vec4f {
  return part.dm.x * vec4f(unpack4xU8((part.word >> 4u) & 0x0f0f0f0fu)) + part.dm.y;
}

struct Share {
  codes: vec2u,
  dm: u32,
}

fn load_share(share: u32) -> Share {
  return Share(code_pairs[share], scales[share >> 1u]);
}

// Without conversions, as layout_q4.wgsl tells.
fn low_nibbles(word: u32) -> vec4f {
  let bits = vec4u(word, word, word, word >> 12u) & vec4u(0xfu, 0xf00u, 0xf0000u, 0xf000u);
  return bitcast<vec4f>(bits | vec4u(0x4b000000u, 0x47000000u, 0x43000000u, 0x45000000u)) -
         (vec4f(8388608.0, 32768.0, 128.0, 2048.0));
}

fn high_nibbles(word: u32) -> vec4f {
  let bits = vec4u(word, word, word >> 12u, word >> 12u) &
             vec4u(0xf0u, 0xf000u, 0xf00u, 0xf0000u);
  return bitcast<vec4f>(bits | vec4u(0x49000000u, 0x45000000u, 0x47000000u, 0x43000000u)) -
         (vec4f(524288.0, 2048.0, 32768.0, 128.0));
}

fn share4(share: Share, quarter: u32) -> vec4f {
  let word = share.codes[quarter & 1u];
  if (quarter < 2u) {
    return low_nibbles(word);
  }
  return high_nibbles(word);
}

fn combine_share(share: Share, at: u32, dots: vec2f, sums: vec2f) -> f32 {
  let dm = scale_and_min(share.dm);
  return dm.x * (dots.x + dots.y) + dm.y * (sums.x + sums.y);
}
