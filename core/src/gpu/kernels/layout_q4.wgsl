// Nibbles with a scale each 32: value = d · (code − 8).
//
// The interface of all layouts, which the kernels that follow a layout are written in:
//   UNIT         elements that are loaded at once; a row is of K / UNIT units
//   load_unit    a unit as it lies in memory; units are counted through the whole plane
//   code4        codes of elements 4 · quarter … + 3 as floats
//   bytes4       the same as four signed bytes (not for floats)
//   combine      Σ value · x over the unit, given Σ code · x and Σ x over the elements below 16
//                (.x) and from 16 on (.y): so that scales are applied once a unit, not once an
//                element
//   factors      the same as two numbers: value = .x · code + .y (where one pair is enough)
//   value4       the weights themselves
//   load_part    of 32 elements that begin at a unit, only four from 4 · quarter on (`part_low`)
//                and four from 16 + 4 · quarter on (`part_high`): for kernels where invocations
//                share a unit. With units of four it reads past the row's end where K is no
//                multiple of 32

const UNIT: u32 = 32;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;

struct Unit {
  codes: vec4u,
  d: f32,
}

fn load_unit(unit: u32) -> Unit {
  return Unit(codes[unit], unpack2x16float(scales[unit >> 1u])[unit & 1u]);
}

// Byte j of the codes holds elements j and j + 16, so a word holds quarter q low and q + 4 high.
fn bytes4(unit: Unit, quarter: u32) -> u32 {
  return (unit.codes[quarter & 3u] >> (quarter & 4u)) & 0x0f0f0f0fu;
}

fn code4(unit: Unit, quarter: u32) -> vec4f {
  return vec4f(unpack4xU8(bytes4(unit, quarter)));
}

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return unit.d * ((dots.x + dots.y) - 8.0 * (sums.x + sums.y));
}

fn factors(unit: Unit) -> vec2f {
  return vec2f(unit.d, -8.0 * unit.d);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.d * (code4(unit, quarter) - 8.0);
}

struct Part {
  word: u32,
  d: f32,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit][quarter], unpack2x16float(scales[unit >> 1u])[unit & 1u]);
}

fn part_low(part: Part) -> vec4f {
  return part.d * (vec4f(unpack4xU8(part.word & 0x0f0f0f0fu)) - 8.0);
}

fn part_high(part: Part) -> vec4f {
  return part.d * (vec4f(unpack4xU8((part.word >> 4u) & 0x0f0f0f0fu)) - 8.0);
}
