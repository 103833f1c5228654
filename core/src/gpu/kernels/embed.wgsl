// Rows of a table, by token: y[t] = W[ids[t]], or by its position: y[t] = W[position + t]. Follows a
// layout.
//
// A table larger than a binding may be lies in several pieces; each is dispatched over all tokens
// and writes those whose ids it has.

override K: u32 = 32;
override N: u32 = 1;
override ROW0: u32 = 0;
override Y_STRIDE: u32 = 32;
override Y_OFFSET: u32 = 0;
override POSITIONS: u32 = 0;  // 1: by position

// Enough for the rows of small models to take one round.
override WG: u32 = 64;

@group(0) @binding(3) var<storage, read_write> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let token = group.x + group.y * groups.x;
  if (token >= rows()) {
    return;
  }
  var id = ids[token];
  if (POSITIONS == 1u) {
    id = step.position + token;
  }
  let row = id - ROW0;  // wraps below ROW0, and is then past N too
  if (row >= N) {
    return;
  }
  let to = (token * Y_STRIDE + Y_OFFSET) / 4u;
  for (var i = lane; i < K / UNIT; i += WG) {
    let unit = load_unit(row * (K / UNIT) + i);
    for (var quarter = 0u; quarter < UNIT / 4u; quarter++) {
      y[to + i * (UNIT / 4u) + quarter] = value4(unit, quarter);
    }
  }
}
