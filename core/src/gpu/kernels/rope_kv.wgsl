// What stands between a layer's query, key and value and its attention, as one dispatch: the norm
// of query and key heads, their rotation, and the storing of keys and values. A workgroup takes one
// head of one token: the query's heads first, which stay where they are, then the key's, then the
// value's. After `rotate.wgsl` and a kv prelude.

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_SIZE: u32;
override ROTARY: u32 = HEAD_SIZE;  // columns that turn
override INTERLEAVED: u32 = 0;     // pairs are (2i, 2i + 1); else (i, i + ROTARY / 2)
override SCALE: f32 = 1;           // of sine and cosine
override CAPACITY: u32;            // positions in the states
override X_STRIDE: u32;
override Q_OFFSET: u32 = 0;
override K_OFFSET: u32;
override V_OFFSET: u32;
override HEAD_NORM: u32 = 0;  // 1: each head of query and key through a root-mean-square norm
override EPSILON: f32 = 0;
override WEIGHT_OFFSET: f32 = 0;
override ROPE: u32 = 1;
override DIVIDED: u32 = 0;  // 1: each frequency by its divisor

@group(0) @binding(1) var<storage, read> frequencies: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> keys: array<KvQuad>;
@group(0) @binding(4) var<storage, read_write> values: array<KvQuad>;
@group(0) @binding(5) var<storage, read> query_norm: array<vec4f>;
@group(0) @binding(6) var<storage, read> key_norm: array<vec4f>;
@group(0) @binding(7) var<storage, read> divisors: array<f32>;

// As many as a head of 128 has pairs; the loops take longer heads.
const WG: u32 = 64;

var<workgroup> head: array<f32, HEAD_SIZE>;
var<workgroup> sums: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  let token = id.y;
  let position = step.position + token;
  if (id.x >= HEADS + 2 * KV_HEADS || token >= rows() || position >= CAPACITY) {
    return;
  }
  let is_query = id.x < HEADS;
  let is_value = id.x >= HEADS + KV_HEADS;
  let kv_head = (id.x - HEADS) % KV_HEADS;
  let quads = HEAD_SIZE / 4;
  var source = token * X_STRIDE;
  if (is_query) {
    source += Q_OFFSET + id.x * HEAD_SIZE;
  } else if (is_value) {
    source += V_OFFSET + kv_head * HEAD_SIZE;
  } else {
    source += K_OFFSET + kv_head * HEAD_SIZE;
  }
  source /= 4;
  let to = (kv_head * CAPACITY + position) * quads;

  if (is_value) {
    for (var i = lane; i < quads; i += WG) {
      values[to + i] = kv_pack(x[source + i]);
    }
    return;
  }

  var factor = 1.0;
  if (HEAD_NORM == 1u) {
    var own = 0.0;
    for (var i = lane; i < quads; i += WG) {
      own += dot(x[source + i], x[source + i]);
    }
    sums[lane] = own;
    for (var half = WG / 2; half > 0; half /= 2) {
      workgroupBarrier();
      if (lane < half) {
        sums[lane] += sums[lane + half];
      }
    }
    workgroupBarrier();
    factor = 1 / sqrt(sums[0] / f32(HEAD_SIZE) + EPSILON);
  }
  for (var i = lane; i < quads; i += WG) {
    var v = x[source + i];
    if (HEAD_NORM == 1u) {
      v *= factor * (select(key_norm[i], query_norm[i], is_query) + WEIGHT_OFFSET);
    }
    for (var c = 0u; c < 4; c++) {
      head[4 * i + c] = v[c];
    }
  }
  workgroupBarrier();

  if (ROPE == 1u) {
    for (var pair = lane; pair < ROTARY / 2; pair += WG) {
      let first = select(pair, 2 * pair, INTERLEAVED == 1u);
      let second = select(pair + ROTARY / 2, 2 * pair + 1, INTERLEAVED == 1u);
      var frequency = frequencies[pair];
      if (DIVIDED == 1u) {
        frequency /= divisors[pair];
      }
      let t = turn(f32(position) * frequency) * SCALE;
      let a = head[first];
      let b = head[second];
      head[first] = a * t.y - b * t.x;
      head[second] = a * t.x + b * t.y;
    }
    workgroupBarrier();
  }
  for (var i = lane; i < quads; i += WG) {
    let v = vec4f(head[4 * i], head[4 * i + 1], head[4 * i + 2], head[4 * i + 3]);
    if (is_query) {
      x[source + i] = v;
    } else {
      keys[to + i] = kv_pack(v);
    }
  }
}
