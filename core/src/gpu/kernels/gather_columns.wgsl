// Columns in another order: y's column i is x's column order[i]. An invocation takes four columns.

override WIDTH: u32;
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;

@group(0) @binding(1) var<storage, read> order: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= WIDTH / 4 || id.y >= rows()) {
    return;
  }
  let at = vec4u(id.y * X_STRIDE + X_OFFSET) + order[id.x];
  y[(id.y * Y_STRIDE + Y_OFFSET) / 4 + id.x] = vec4f(x[at.x], x[at.y], x[at.z], x[at.w]);
}
