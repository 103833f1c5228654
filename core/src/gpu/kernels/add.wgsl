// y = a + b. An invocation takes four columns.

override WIDTH: u32;
override A_STRIDE: u32;
override A_OFFSET: u32 = 0;
override A_IN_Y: u32 = 0;
override B_STRIDE: u32;
override B_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;

@group(0) @binding(1) var<storage, read_write> a: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn read_a(at: u32) -> vec4f {
  if (A_IN_Y == 1u) {
    return y[at];
  }
  return a[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= WIDTH / 4 || id.y >= rows()) {
    return;
  }
  let first = read_a((id.y * A_STRIDE + A_OFFSET) / 4 + id.x);
  let second = b[(id.y * B_STRIDE + B_OFFSET) / 4 + id.x];
  y[(id.y * Y_STRIDE + Y_OFFSET) / 4 + id.x] = first + second;
}
