// Prelude: keys and values kept as 32-bit floats.

// Four neighbouring elements as they are stored: what the bindings of states are arrays of.
alias KvQuad = vec4f;

fn kv_read(stored: KvQuad) -> vec4f {
  return stored;
}

fn kv_pack(x: vec4f) -> KvQuad {
  return x;
}
