// Each group of a row moved to a mean of zero and scaled to a variance of one, then by the weights:
// y = (x − mean) / sqrt(variance + EPSILON) · weight + bias. A workgroup takes a group.

override WIDTH: u32;       // of a group
override GROUPS: u32 = 1;  // of a row, side by side, with the same weights
override EPSILON: f32;
override BIAS: u32 = 1;
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override X_IN_Y: u32 = 0;
// Tuning: invocations, a power of two. 128 keep a row of 4096 at eight reads of four floats each.
override WG: u32 = 128;

@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

var<workgroup> sums: array<f32, WG>;

fn read_x(at: u32) -> vec4f {
  if (X_IN_Y == 1u) {
    return y[at];
  }
  return x[at];
}

// The sum over the workgroup, the same for every invocation.
fn total(own: f32, lane: u32) -> f32 {
  workgroupBarrier();  // the sum before may still be being read
  sums[lane] = own;
  for (var half = WG / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  workgroupBarrier();
  return sums[0];
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

  var own = vec4f(0);
  for (var i = lane; i < WIDTH / 4; i += WG) {
    own += read_x(source + i);
  }
  let mean = total(dot(own, vec4f(1)), lane) / f32(WIDTH);

  // A second pass over the row, which is still near: mean(x²) − mean² would lose what they share.
  own = vec4f(0);
  for (var i = lane; i < WIDTH / 4; i += WG) {
    let v = read_x(source + i) - mean;
    own = fma(v, v, own);
  }
  let factor = 1 / sqrt(total(dot(own, vec4f(1)), lane) / f32(WIDTH) + EPSILON);

  // Each invocation reads again what it alone writes, so x and y may be the same.
  for (var i = lane; i < WIDTH / 4; i += WG) {
    var v = (read_x(source + i) - mean) * factor * weight[i];
    if (BIAS == 1u) {
      v += bias[i];
    }
    y[to + i] = v;
  }
}
