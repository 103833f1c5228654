// Prelude: keys and values kept as halves, two a word: half the memory and half the reading, at a
// rounding of 2^-11. Needs no shader-f16: packing and unpacking are part of WGSL.

// Four neighbouring elements as they are stored: what the bindings of states are arrays of.
alias KvQuad = vec2u;

fn kv_read(stored: KvQuad) -> vec4f {
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}

// Past the largest half there is no telling what a conversion gives, so it is clamped there. What
// clamp() and conversions make of a NaN is open, too: it gets its bits set afterwards.
fn kv_pack(x: vec4f) -> KvQuad {
  let inside = clamp(x, vec4f(-65504.0), vec4f(65504.0));
  let nan = (bitcast<vec4u>(x) & vec4u(0x7fffffff)) > vec4u(0x7f800000);
  let marks = select(vec4u(0), vec4u(0x7fff, 0x7fff0000, 0x7fff, 0x7fff0000), nan);
  return vec2u(pack2x16float(inside.xy) | marks.x | marks.y,
               pack2x16float(inside.zw) | marks.z | marks.w);
}
