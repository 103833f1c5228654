// Gated linear units (Shazeer, "GLU Variants Improve Transformer", 2020): y = activation(gate) ·
// up. An invocation takes four columns. After `activation`.

override WIDTH: u32;
override KIND: u32;  // of the activation
override GATE_STRIDE: u32;
override GATE_OFFSET: u32 = 0;
override UP_STRIDE: u32;
override UP_OFFSET: u32 = 0;
override UP_IN_GATE: u32 = 0;  // up lies in gate's binding, wherever that is
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override GATE_IN_Y: u32 = 0;

@group(0) @binding(1) var<storage, read_write> gate: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> up: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn read_gate(at: u32) -> vec4f {
  if (GATE_IN_Y == 1u) {
    return y[at];
  }
  return gate[at];
}

fn read_up(at: u32) -> vec4f {
  if (UP_IN_GATE == 1u) {
    return read_gate(at);
  }
  return up[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= WIDTH / 4 || id.y >= rows()) {
    return;
  }
  let g = read_gate((id.y * GATE_STRIDE + GATE_OFFSET) / 4 + id.x);
  let u = read_up((id.y * UP_STRIDE + UP_OFFSET) / 4 + id.x);
  y[(id.y * Y_STRIDE + Y_OFFSET) / 4 + id.x] = activated(KIND, g) * u;
}
