// Writes the keys or values of a step's tokens to the state, at their positions:
// state[h, position + t, d] = x[t, h · HEAD_SIZE + d]. An invocation takes four columns.
// After a kv prelude.

override KV_HEADS: u32;
override HEAD_SIZE: u32;
override CAPACITY: u32;  // positions in the state
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;

@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> state: array<KvQuad>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let token = id.y;
  let quads = HEAD_SIZE / 4;
  let position = step.position + token;
  if (id.x >= KV_HEADS * quads || token >= rows() || position >= CAPACITY) {
    return;
  }
  let head = id.x / quads;
  let source = (token * X_STRIDE + X_OFFSET) / 4 + id.x;
  state[(head * CAPACITY + position) * quads + id.x % quads] = kv_pack(x[source]);
}
