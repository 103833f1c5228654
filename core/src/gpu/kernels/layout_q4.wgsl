// Nibbles with a scale each 32: value = d · (code − 8).
//
// The interface of all layouts, which the kernels that follow a layout are written in:
//   UNIT         elements that are loaded at once; a row is of K / UNIT units
//   load_unit    a unit as it lies in memory; units are counted through the whole plane
//   bytes4       codes of elements 4 · quarter … + 3 as four signed bytes (not for floats)
//   combine      Σ value · x over the unit, given Σ code · x and Σ x over the elements below 16
//                (.x) and from 16 on (.y): so that scales are applied once a unit, not once an
//                element
//   factors      the same as two numbers: value = .x · code + .y (where one pair is enough)
//   value4       the weights themselves
//   load_part    of 32 elements that begin at a unit, only four from 4 · quarter on (`part_low`)
//                and four from 16 + 4 · quarter on (`part_high`): for kernels where invocations
//                share a unit. With units of four it reads past the row's end where K is no
//                multiple of 32
// and for `matvec`, where two invocations have a unit, as loads of x are then spread over fewer
// lines of the cache than with one, and need fewer loads of codes than with four:
//   SHARE        elements of an invocation; with units of 32: 16, of which share h of the unit has
//                quarters 2h, 2h + 1, 2h + 4 and 2h + 5; with units of four the whole unit
//   load_share   a share as it lies in memory; shares are counted through the whole plane
//   share4       codes of its quarter 0 … 3 as floats, less an offset where the layout likes
//   combine_share  as `combine`, given share4's Σ code · x over the first half of the share's
//                quarters and the rest, and the index that `load_share` was given

const UNIT: u32 = 32;
const SHARE: u32 = 16;
// What a code is above its value in units of d.
const CENTRE: f32 = 8.0;

@group(0) @binding(1) var<storage, read> codes: array<vec4u>;
// The same as `codes`: an entry point may use one of the two.
@group(0) @binding(1) var<storage, read> code_pairs: array<vec2u>;
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

fn combine(unit: Unit, dots: vec2f, sums: vec2f) -> f32 {
  return unit.d * ((dots.x + dots.y) - CENTRE * (sums.x + sums.y));
}

fn factors(unit: Unit) -> vec2f {
  return vec2f(unit.d, -CENTRE * unit.d);
}

fn value4(unit: Unit, quarter: u32) -> vec4f {
  return unit.d * (vec4f(unpack4xU8(bytes4(unit, quarter))) - CENTRE);
}

struct Part {
  word: u32,
  d: f32,
}

fn load_part(unit: u32, quarter: u32) -> Part {
  return Part(codes[unit][quarter], unpack2x16float(scales[unit >> 1u])[unit & 1u]);
}

fn part_low(part: Part) -> vec4f {
  return part.d * (vec4f(unpack4xU8(part.word & 0x0f0f0f0fu)) - CENTRE);
}

fn part_high(part: Part) -> vec4f {
  return part.d * (vec4f(unpack4xU8((part.word >> 4u) & 0x0f0f0f0fu)) - CENTRE);
}

struct Share {
  codes: vec2u,
  d: u32,  // and the next or the last unit's
}

fn load_share(share: u32) -> Share {
  return Share(code_pairs[share], scales[share >> 2u]);
}

// A nibble at bit p under the exponent of 2^(23 - p) is the float 2^(23 - p) + nibble, so that an
// "and", an "or" and a subtraction give it exactly; a conversion takes a Hopper eight times as long
// as a product. The exponent begins at bit 23, so the highest nibbles are shifted down first. The
// offset goes with the same subtraction.
fn low_nibbles(word: u32) -> vec4f {
  let bits = vec4u(word, word, word, word >> 12u) & vec4u(0xfu, 0xf00u, 0xf0000u, 0xf000u);
  return bitcast<vec4f>(bits | vec4u(0x4b000000u, 0x47000000u, 0x43000000u, 0x45000000u)) -
         (vec4f(8388608.0, 32768.0, 128.0, 2048.0) + CENTRE);
}

fn high_nibbles(word: u32) -> vec4f {
  let bits = vec4u(word, word, word >> 12u, word >> 12u) &
             vec4u(0xf0u, 0xf000u, 0xf00u, 0xf0000u);
  return bitcast<vec4f>(bits | vec4u(0x49000000u, 0x45000000u, 0x47000000u, 0x43000000u)) -
         (vec4f(524288.0, 2048.0, 32768.0, 128.0) + CENTRE);
}

fn share4(share: Share, quarter: u32) -> vec4f {
  let word = share.codes[quarter & 1u];
  if (quarter < 2u) {
    return low_nibbles(word);
  }
  return high_nibbles(word);
}

fn combine_share(share: Share, at: u32, dots: vec2f, sums: vec2f) -> f32 {
  return unpack2x16float(share.d >> ((at & 2u) * 8u)).x * (dots.x + dots.y);
}
