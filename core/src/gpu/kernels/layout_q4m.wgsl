// Nibbles with a scale and a minimum each 32: value = d · code + m. The interface of all layouts is
// told in layout_q4.wgsl.

const UNIT: u32 = 32;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;

struct Unit {
  codes: vec4u,
  dm: vec2f,
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[unit], unpack2x16float(scales[unit]));
}

fn bytes4(unit: Unit, quarter: u32) -> u32 {
  return (unit.codes[quarter & 3u] >> (quarter & 4u)) & 0x0f0f0f0fu;
}

fn code4(unit: Unit, quarter: u32) -> vec4f {
  return vec4f(unpack4xU8(bytes4(unit, quarter)));
}

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return unit.dm.x * (dots.x + dots.y) + unit.dm.y * (sums.x + sums.y);
}

fn factors(unit: Unit) -> vec2f {
  return unit.dm;
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.dm.x * code4(unit, quarter) + unit.dm.y;
}

struct Part {
  word: u32,
  dm: vec2f,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit][quarter], unpack2x16float(scales[unit]));
}

fn part_low(part: Part) -> vec4f {
  return part.dm.x * vec4f(unpack4xU8(part.word & 0x0f0f0f0fu)) + part.dm.y;
}

fn part_high(part: Part) -> vec4f {
  return part.dm.x * vec4f(unpack4xU8((part.word >> 4u) & 0x0f0f0f0fu)) + part.dm.y;
}
