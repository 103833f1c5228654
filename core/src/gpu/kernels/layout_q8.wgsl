// Signed bytes with a scale each 32: value = d · code. The interface of all layouts is told in
// layout_q4.wgsl.

const UNIT: u32 = 32;
const SHARE: u32 = 16;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
// The same as `codes`: an entry point may use one of the two.
@group(0) @binding(1) var<storage, read> code_pairs: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;

struct Unit {
  low: vec4u,
  high: vec4u,
  d: f32,
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[2u * unit], codes[2u * unit + 1u],
              unpack2x16float(scales[unit >> 1u])[unit & 1u]);
}

fn bytes4(unit: Unit, quarter: u32) -> u32 {
  return select(unit.low[quarter & 3u], unit.high[quarter & 3u], quarter >= 4u);
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
  low: u32,
  high: u32,
  d: f32,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[2u * unit][quarter], codes[2u * unit + 1u][quarter],
              unpack2x16float(scales[unit >> 1u])[unit & 1u]);
}

fn part_low(part: Part) -> vec4f {
  return part.d * vec4f(unpack4xI8(part.low));
}

fn part_high(part: Part) -> vec4f {
  return part.d * vec4f(unpack4xI8(part.high));
}

struct Share {
  low: vec2u,
  high: vec2u,
  d: u32,  // and the next or the last unit's
}

fn load_share(share: u32) -> Share {
  let pair = (share >> 1u) * 4u + (share & 1u);
  return Share(code_pairs[pair], code_pairs[pair + 2u], scales[share >> 2u]);
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
  return unpack2x16float(share.d >> ((at & 2u) * 8u)).x * (dots.x + dots.y);
}
