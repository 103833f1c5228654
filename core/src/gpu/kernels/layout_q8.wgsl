// Signed bytes with a scale each 32: value = d · code. The interface of all layouts is told in
// layout_q4.wgsl.

const UNIT: u32 = 32;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
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

fn code4(unit: Unit, quarter: u32) -> vec4f {
  return vec4f(unpack4xI8(bytes4(unit, quarter)));
}

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return unit.d * (dots.x + dots.y);
}

fn factors(unit: Unit) -> vec2f {
  return vec2f(unit.d, 0.0);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.d * code4(unit, quarter);
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
