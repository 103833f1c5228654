// Prelude: keys and values kept as halves, two a word: half the memory and half the reading, at a
// rounding of 2^-11. Needs no shader-f16: packing and unpacking are part of WGSL.

// Four neighbouring elements as they are stored: what the bindings of states are arrays of.
alias KvQuad = vec2u;

fn kv_read(stored: KvQuad) -> vec4f {
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}

// Past the largest half there is no telling what a conversion gives, so it is clamped there.
// A NaN passes: select() takes it as it came when both comparisons fail.
fn kv_pack(x: vec4f) -> KvQuad {
  const largest = vec4f(65504.0);
  let below = select(x, largest, x > largest);
  let inside = select(below, -largest, below < -largest);
  return vec2u(pack2x16float(inside.xy), pack2x16float(inside.zw));
}
