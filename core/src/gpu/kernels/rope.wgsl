// Rotates heads by their position (Su et al., "RoFormer", 2021): pair i of token t's head is turned
// by (position + t) · frequency[i]. An invocation takes a pair, and so may write where it read.
// After `rotate.wgsl`.

override HEADS: u32;
override HEAD_SIZE: u32;
override ROTARY: u32 = HEAD_SIZE;  // columns that turn; those behind are copied
override INTERLEAVED: u32 = 0;     // pairs are (2i, 2i + 1); else (i, i + ROTARY / 2)
override SCALE: f32 = 1;           // of sine and cosine
override X_STRIDE: u32;
override X_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;
override X_IN_Y: u32 = 0;
override DIVIDED: u32 = 0;  // 1: each frequency by its divisor

@group(0) @binding(1) var<storage, read> frequencies: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read> divisors: array<f32>;

fn read_x(at: u32) -> f32 {
  if (X_IN_Y == 1u) {
    return y[at];
  }
  return x[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let token = id.y;
  let pairs = HEAD_SIZE / 2;
  if (id.x >= HEADS * pairs || token >= rows()) {
    return;
  }
  let column = id.x / pairs * HEAD_SIZE;
  let pair = id.x % pairs;
  let source = token * X_STRIDE + X_OFFSET + column;
  let to = token * Y_STRIDE + Y_OFFSET + column;
  // Columns past ROTARY lie in pairs of neighbours.
  var first = 2 * pair;
  var second = first + 1;
  if (pair < ROTARY / 2 && INTERLEAVED == 0u) {
    first = pair;
    second = pair + ROTARY / 2;
  }
  var v = vec2f(read_x(source + first), read_x(source + second));
  if (pair < ROTARY / 2) {
    var frequency = frequencies[pair];
    if (DIVIDED == 1u) {
      frequency /= divisors[pair];
    }
    let t = turn(f32(step.position + token) * frequency) * SCALE;
    v = vec2f(v.x * t.y - v.y * t.x, v.x * t.x + v.y * t.y);
  }
  y[to + first] = v.x;
  y[to + second] = v.y;
}
