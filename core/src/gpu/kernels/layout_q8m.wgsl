// Signed bytes with a scale and a minimum each 16: value = d · code + m. The interface of all
// layouts is told in layout_q4.wgsl.

const UNIT: u32 = 32;
const SHARE: u32 = 16;

// With ZERO_POINTS the upper half is a zero point: value = d · (code − z). Products of a half and a
// whole number of at most 9 bits are exact in floats.
override ZERO_POINTS: u32 = 0;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
// The same as `codes`: an entry point may use one of the two.
@group(0) @binding(1) var<storage, read> code_pairs: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<vec2u>;

fn scale_and_min(word: u32) -> vec2f {
  let halves = unpack2x16float(word);
  return vec2f(halves.x, select(halves.y, -halves.x * halves.y, ZERO_POINTS == 1u));
}

struct Unit {
  low: vec4u,
  high: vec4u,
  dm_low: vec2f,
  dm_high: vec2f,
}

fn load_unit(unit: u32) -> Unit {
  let dm = scales[unit];
  return Unit(codes[2u * unit], codes[2u * unit + 1u], scale_and_min(dm.x),
              scale_and_min(dm.y));
}

fn bytes4(unit: Unit, quarter: u32) -> u32 {
  return select(unit.low[quarter & 3u], unit.high[quarter & 3u], quarter >= 4u);
}

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return (unit.dm_low.x * dots.x + unit.dm_low.y * sums.x) +
         (unit.dm_high.x * dots.y + unit.dm_high.y * sums.y);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  let dm = select(unit.dm_low, unit.dm_high, quarter >= 4u);
  return dm.x * vec4f(unpack4xI8(bytes4(unit, quarter))) + dm.y;
}

struct Part {
  low: u32,
  high: u32,
  dm_low: vec2f,
  dm_high: vec2f,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  let dm = scales[unit];
  return Part(codes[2u * unit][quarter], codes[2u * unit + 1u][quarter],
              scale_and_min(dm.x), scale_and_min(dm.y));
}

fn part_low(part: Part) -> vec4f {
  return part.dm_low.x * vec4f(unpack4xI8(part.low)) + part.dm_low.y;
}

fn part_high(part: Part) -> vec4f {
  return part.dm_high.x * vec4f(unpack4xI8(part.high)) + part.dm_high.y;
}

struct Share {
  low: vec2u,
  high: vec2u,
  dm: vec2u,
}

fn load_share(share: u32) -> Share {
  let pair = (share >> 1u) * 4u + (share & 1u);
  return Share(code_pairs[pair], code_pairs[pair + 2u], scales[share >> 1u]);
}

// Without conversions, as layout_q4.wgsl tells. A signed byte with its sign bit turned over is the
// byte + 128.
fn signed_bytes(word: u32) -> vec4f {
  let bits = vec4u(word, word, word >> 16u, word >> 16u) & vec4u(0xffu, 0xff00u, 0xffu, 0xff00u);
  return bitcast<vec4f>(bits ^ vec4u(0x4b000080u, 0x47008000u, 0x4b000080u, 0x47008000u)) -
         vec4f(8388736.0, 32896.0, 8388736.0, 32896.0);
}

fn share4(share: Share, quarter: u32) -> vec4f {
  return signed_bytes(select(share.low[quarter & 1u], share.high[quarter & 1u], quarter >= 2u));
}

fn combine_share(share: Share, at: u32, dots: vec2f, sums: vec2f) -> f32 {
  let low = scale_and_min(share.dm.x);
  let high = scale_and_min(share.dm.y);
  return (low.x * dots.x + low.y * sums.x) + (high.x * dots.y + high.y * sums.y);
}
