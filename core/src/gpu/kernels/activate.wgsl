// y = activation(x), for feed-forward layers without a gate. An invocation takes four columns. After
// `activation`.

override WIDTH: u32;
override KIND: u32;  // of the activation
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;
override X_IN_Y: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;

@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

fn read_x(at: u32) -> vec4f {
  if (X_IN_Y == 1u) {
    return y[at];
  }
  return x[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= WIDTH / 4 || id.y >= rows()) {
    return;
  }
  let v = read_x((id.y * X_STRIDE + X_OFFSET) / 4 + id.x);
  y[(id.y * Y_STRIDE + Y_OFFSET) / 4 + id.x] = activated(KIND, v);
}
