// Halves, two a u32. A unit is of four and not of eight so that rows of any multiple of four keep
// their units aligned. The interface of all layouts is told in layout_q4.wgsl.

const UNIT: u32 = 4;
const SHARE: u32 = 4;

@group(0) @binding(1) var<storage, read> codes: array<vec2u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;  // a dummy

struct Unit {
  halves: vec2u,
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[unit]);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return vec4f(unpack2x16float(unit.halves.x), unpack2x16float(unit.halves.y));
}

struct Part {
  low: vec2u,
  high: vec2u,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit + quarter], codes[unit + quarter + 4u]);
}

fn part_low(part: Part) -> vec4f {
  return value4(Unit(part.low), 0u);
}

fn part_high(part: Part) -> vec4f {
  return value4(Unit(part.high), 0u);
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
