// Weights as they are. The interface of all layouts is told in layout_q4.wgsl.

const UNIT: u32 = 4;
const SHARE: u32 = 4;

@group(0) @binding(1) var<storage, read> codes: array<vec4f>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;  // a dummy

struct Unit {
  values: vec4f,
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[unit]);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.values;
}

struct Part {
  low: vec4f,
  high: vec4f,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit + quarter], codes[unit + quarter + 4u]);
}

fn part_low(part: Part) -> vec4f {
  return part.low;
}

fn part_high(part: Part) -> vec4f {
  return part.high;
}

struct Share {
  unit: Unit,
}

fn load_share(share: u32) -> Share {
  return Share(load_unit(share));
}

fn share4(share: Share, quarter: u32) -> vec4f {
  return value4(share.unit, 0u);
}

fn combine_share(share: Share, at: u32, dots: vec2f, sums: vec2f) -> f32 {
  return dots.x;
}
