// Each group of a row scaled to a root mean square of one, then by the weights:
// y = x / sqrt(mean(x²) + EPSILON) · (weight + WEIGHT_OFFSET). A workgroup takes a group.

override WIDTH: u32;       // of a group
override GROUPS: u32 = 1;  // of a row, side by side
override EPSILON: f32;
override WEIGHT_OFFSET: f32 = 0;
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override X_IN_Y: u32 = 0;
// Tuning: invocations, a power of two. 128 keep a row of 4096 at eight reads of four floats each.
override WG: u32 = 128;

@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

var<workgroup> sums: array<f32, WG>;

fn read_x(at: u32) -> vec4f {
  if (X_IN_Y == 1u) {
    return y[at];
  }
  return x[at];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) grid: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let unit = id.x + id.y * grid.x;
  if (unit >= rows() * GROUPS) {
    return;
  }
  let row = unit / GROUPS;
  let column = unit % GROUPS * WIDTH;
  let source = (row * X_STRIDE + X_OFFSET + column) / 4;
  let to = (row * Y_STRIDE + Y_OFFSET + column) / 4;

  var squares = vec4f(0);
  for (var i = lane; i < WIDTH / 4; i += WG) {
    let v = read_x(source + i);
    squares = fma(v, v, squares);
  }
  sums[lane] = dot(squares, vec4f(1));
  for (var half = WG / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  workgroupBarrier();
  let factor = 1 / sqrt(sums[0] / f32(WIDTH) + EPSILON);

  // Each invocation reads again what it alone writes, so x and y may be the same.
  for (var i = lane; i < WIDTH / 4; i += WG) {
    y[to + i] = read_x(source + i) * factor * (weight[i] + WEIGHT_OFFSET);
  }
}
