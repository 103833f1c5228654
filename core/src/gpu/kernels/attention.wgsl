// Causal attention for any number of tokens, with softmax in one pass over keys and values (Milakov
// and Gimelshein, "Online normalizer calculation for softmax", 2018; tiles as in Dao et al.,
// "FlashAttention", 2022). After a kv prelude and `cap`.
//
// A workgroup takes TILE_T tokens of one head, and goes through the keys that any of them sees,
// TILE_K at a time. Its 256 invocations are 16 groups of four tokens by 16 lanes:
//   scores    a lane has keys lane and lane + 16 for the four tokens; query and key come through
//             workgroup memory in slices of 16 columns
//   softmax   the lanes exchange their largest scores, and leave the weights in workgroup memory
//   sums      a lane has the columns [4 · lane, 4 · lane + 4) of each 64, for the four tokens;
//             values come through workgroup memory, as many at a time as fit
// So a float read from workgroup memory is used for four or more products.

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_SIZE: u32;  // at most 256
override CAPACITY: u32;   // positions in the states
override SCALE: f32;
override WINDOW: u32 = 0;
override Q_STRIDE: u32;
override Q_OFFSET: u32 = 0;
override Y_STRIDE: u32;
override Y_OFFSET: u32 = 0;

@group(0) @binding(1) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> keys: array<KvQuad>;
@group(0) @binding(3) var<storage, read_write> values: array<KvQuad>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

// 64 by 32 is what lets weights and slices fit 16 KiB.
const TILE_T: u32 = 64;
const TILE_K: u32 = 32;
const LANES: u32 = 16;
// A row of a slice: four vectors, and one of padding, so that the 16 lanes' rows begin in different
// banks of the memory.
const ROW: u32 = 5;
const KEY_SLICE: u32 = TILE_T * ROW;
const SLICES: u32 = (TILE_T + TILE_K) * ROW;
// Below any score, and finite: exp of the difference of two is a number.
const LOWEST: f32 = -1e30;

override QUADS: u32 = HEAD_SIZE / 4;
// Vectors of a row that a lane has, one of each 64 columns.
override CHUNKS: u32 = (QUADS + LANES - 1) / LANES;
// Values that fit the slices' place; one a lane's read at 256 columns and fewer.
override TILE_V: u32 = min(TILE_K, 256 / QUADS);

var<workgroup> slices: array<vec4f, SLICES>;
var<workgroup> weights: array<vec4f, TILE_K * TILE_T / 4>;  // (key, group), lanes are four tokens

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) own: u32) {
  let tile = id.x * TILE_T;
  if (tile >= step.tokens) {
    return;
  }
  let lane = own % LANES;
  let group = own / LANES;
  let last_token = min(tile + TILE_T, step.tokens) - 1;
  let kv_base = id.y / (HEADS / KV_HEADS) * CAPACITY;
  let q_base = (Q_OFFSET + id.y * HEAD_SIZE) / 4;

  // Positions that the four tokens see are (before, upto]; those past the last token repeat it.
  let tokens = min(vec4u(tile + group * 4) + vec4u(0, 1, 2, 3), vec4u(last_token));
  let upto = step.position + tokens + 1;
  let first_seen = select(vec4u(0), upto - min(upto, vec4u(WINDOW)), WINDOW > 0);
  let end = step.position + last_token + 1;
  let begin = select(0u, step.position + tile + 1 - min(step.position + tile + 1, WINDOW),
                     WINDOW > 0);

  var largest = vec4f(LOWEST);
  var total = vec4f(0);
  var sums: array<vec4f, 16>;  // (chunk, token)

  for (var key = begin; key < end; key += TILE_K) {
    // Scores of keys `lane` and `lane + 16` for the four tokens.
    var near = vec4f(0);
    var far = vec4f(0);
    for (var slice = 0u; slice < QUADS; slice += 4) {
      let column = own % 4;
      var part = vec4f(0);  // past the head: adds nothing
      if (slice + column < QUADS) {
        let token = min(tile + own / 4, last_token);
        part = q[token * (Q_STRIDE / 4) + q_base + slice + column];
      }
      slices[own / 4 * ROW + column] = part;
      if (own < TILE_K * 4) {
        part = vec4f(0);
        if (slice + column < QUADS) {
          // Past the end the last key, which is a number where the state's rest may be none.
          let at = kv_base + min(key + own / 4, end - 1);
          part = kv_read(keys[at * QUADS + slice + column]);
        }
        slices[KEY_SLICE + own / 4 * ROW + column] = part;
      }
      workgroupBarrier();
      for (var c = 0u; c < 4; c++) {
        let a = slices[KEY_SLICE + lane * ROW + c];
        let b = slices[KEY_SLICE + (lane + LANES) * ROW + c];
        for (var t = 0u; t < 4; t++) {
          let x = slices[(group * 4 + t) * ROW + c];
          near[t] += dot(x, a);
          far[t] += dot(x, b);
        }
      }
      workgroupBarrier();
    }
    near = capped(near * SCALE);
    far = capped(far * SCALE);
    let at = vec4u(key + lane);
    let near_seen = (at >= first_seen) & (at < upto);
    let far_seen = (at + LANES >= first_seen) & (at + LANES < upto);
    slices[group * LANES + lane] = max(select(vec4f(LOWEST), near, near_seen),
                                       select(vec4f(LOWEST), far, far_seen));
    workgroupBarrier();
    var peak = largest;
    for (var i = 0u; i < LANES; i++) {
      peak = max(peak, slices[group * LANES + i]);
    }
    let decay = exp(largest - peak);
    largest = peak;
    total *= decay;
    weights[lane * 16 + group] = select(vec4f(0), exp(near - peak), near_seen);
    weights[(lane + LANES) * 16 + group] = select(vec4f(0), exp(far - peak), far_seen);
    for (var chunk = 0u; chunk < CHUNKS; chunk++) {
      for (var t = 0u; t < 4; t++) {
        sums[chunk * 4 + t] *= decay[t];
      }
    }

    for (var value = 0u; value < TILE_K; value += TILE_V) {
      workgroupBarrier();
      if (own < TILE_V * QUADS) {
        let position = min(key + value + own / QUADS, end - 1);
        slices[own] = kv_read(values[(kv_base + position) * QUADS + own % QUADS]);
      }
      workgroupBarrier();
      for (var i = 0u; i < min(TILE_V, TILE_K - value); i++) {
        let weight = weights[(value + i) * 16 + group];
        total += weight;
        for (var chunk = 0u; chunk < CHUNKS; chunk++) {
          if (chunk * LANES + lane < QUADS) {
            let v = slices[i * QUADS + chunk * LANES + lane];
            for (var t = 0u; t < 4; t++) {
              sums[chunk * 4 + t] += weight[t] * v;
            }
          }
        }
      }
    }
    workgroupBarrier();
  }

  for (var t = 0u; t < 4; t++) {
    let token = tile + group * 4 + t;
    if (token < step.tokens) {
      let to = (token * Y_STRIDE + Y_OFFSET + id.y * HEAD_SIZE) / 4;
      for (var chunk = 0u; chunk < CHUNKS; chunk++) {
        if (chunk * LANES + lane < QUADS) {
          y[to + chunk * LANES + lane] = sums[chunk * 4 + t] / total[t];
        }
      }
    }
  }
}
