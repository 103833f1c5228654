// The rows that have outputs, which are the last: y's row i is x's row tokens − outputs + i. An
// invocation takes four columns.

override WIDTH: u32;
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;

@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= WIDTH / 4 || id.y >= step.outputs) {
    return;
  }
  let row = step.tokens - step.outputs + id.y;
  y[(id.y * Y_STRIDE + Y_OFFSET) / 4 + id.x] = x[(row * X_STRIDE + X_OFFSET) / 4 + id.x];
}
