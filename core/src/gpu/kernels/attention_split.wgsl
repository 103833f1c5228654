// Attention of one token, the keys split into pieces that workgroups take side by side; after it
// `attention_merge.wgsl` (Dao et al., "Flash-Decoding", 2023). After a kv prelude and `cap`.
//
// A workgroup takes one piece for up to GROUP_HEADS query heads that share a key/value head, so
// each key and value is read once for all of them; vectors of four floats hold a number for each of
// these heads. It goes through the piece TILE_K keys at a time:
//   scores   KEY_LANES invocations share a key, each with every KEY_LANES-th vector of its columns;
//            their parts of the products are summed in workgroup memory
//   weights  by one invocation a key, after the largest score is known
//   sums     VALUE_LANES invocations have a vector of columns each, for every so-many-th key
// Values do not wait for scores: they are asked for at once with the keys.

override HEADS: u32;
override KV_HEADS: u32;
override HEAD_SIZE: u32;  // at most 256
override CAPACITY: u32;   // positions in the states
override SCALE: f32;
override WINDOW: u32 = 0;
override Q_STRIDE: u32;
override Q_OFFSET: u32 = 0;
override Y_STRIDE: u32 = 0;  // the merge's; not used here
override Y_OFFSET: u32 = 0;
override SPLITS: u32;
override SPAN: u32 = 32;  // positions that a piece has at least
// Query heads a workgroup, at most 4.
override GROUP_HEADS: u32 = min(4, HEADS / KV_HEADS);

@group(0) @binding(1) var<storage, read_write> q: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> keys: array<KvQuad>;
@group(0) @binding(3) var<storage, read_write> values: array<KvQuad>;
// (head, piece, HEAD_SIZE) weighted sums, then (head, piece) pairs of the largest score and the sum
// of weights.
@group(0) @binding(4) var<storage, read_write> partial: array<vec2f>;

const WG: u32 = 128;
// Below any score, and finite: exp of the difference of two is a number.
const LOWEST: f32 = -1e30;

override QUADS: u32 = HEAD_SIZE / 4;
override GROUP: u32 = HEADS / KV_HEADS;
// Workgroups that share a key/value head.
override SHARES: u32 = (GROUP + GROUP_HEADS - 1) / GROUP_HEADS;
// The power of two that leaves an invocation at most four vectors of a key.
override KEY_LANES: u32 =
    select(select(select(select(16u, 8u, QUADS <= 32), 4u, QUADS <= 16), 2u, QUADS <= 8), 1u,
           QUADS <= 4);
override KEYS_AT_ONCE: u32 = WG / KEY_LANES;
// The power of two that holds a value's vectors.
override VALUE_LANES: u32 =
    select(select(select(select(64u, 32u, QUADS <= 32), 16u, QUADS <= 16), 8u, QUADS <= 8), 4u,
           QUADS <= 4);
override VALUES_AT_ONCE: u32 = WG / VALUE_LANES;
// So that an invocation has at most 16 vectors of values, and the parts of scores fit 8 KiB.
override TILE_K: u32 = select(64u, 32u, QUADS > 32);
override KEY_ROUNDS: u32 = (TILE_K + KEYS_AT_ONCE - 1) / KEYS_AT_ONCE;

var<workgroup> parts: array<vec4f, 512>;  // of scores: (key, lane); at the end of sums
var<workgroup> scores: array<vec4f, TILE_K>;
var<workgroup> weights: array<vec4f, TILE_K>;
var<workgroup> peaks: array<vec4f, 8>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) own: u32) {
  let length = step.position + 1;
  let seen_from = select(0u, length - min(length, WINDOW), WINDOW > 0);
  let span = max(SPAN, (length - seen_from + SPLITS - 1) / SPLITS);
  let begin = seen_from + id.x * span;
  let end = min(begin + span, length);
  if (begin >= end) {
    return;
  }
  let kv_head = id.y / SHARES;
  let share = id.y % SHARES;
  let first_head = kv_head * GROUP + share * GROUP_HEADS;
  let heads = min(GROUP_HEADS, GROUP - share * GROUP_HEADS);
  let base = kv_head * CAPACITY;

  let key_lane = own % KEY_LANES;
  let key_slot = own / KEY_LANES;
  let value_lane = own % VALUE_LANES;
  let value_slot = own / VALUE_LANES;

  // The query's vectors that go with this lane's of a key.
  var query: array<vec4f, 16>;  // (head, vector)
  for (var h = 0u; h < GROUP_HEADS; h++) {
    let source = (Q_OFFSET + (first_head + min(h, heads - 1)) * HEAD_SIZE) / 4;
    for (var j = 0u; j < 4; j++) {
      if (j * KEY_LANES + key_lane < QUADS) {
        query[h * 4 + j] = q[source + j * KEY_LANES + key_lane];
      }
    }
  }

  var largest = vec4f(LOWEST);
  var total = vec4f(0);  // of the weights that this invocation made
  var sums: array<vec4f, 4>;  // a head each

  for (var key = begin; key < end; key += TILE_K) {
    // Keys past the end are the last one again: it is a number where the state's rest may be none.
    var value: array<KvQuad, 16>;
    for (var i = 0u; i < TILE_K / VALUES_AT_ONCE; i++) {
      let at = min(key + i * VALUES_AT_ONCE + value_slot, end - 1);
      value[i] = values[(base + at) * QUADS + min(value_lane, QUADS - 1)];
    }
    // All loads before their first use, so that they are under way together.
    var k: array<KvQuad, 16>;  // (key, vector)
    for (var i = 0u; i < KEY_ROUNDS; i++) {
      let at = min(key + i * KEYS_AT_ONCE + key_slot, end - 1);
      for (var j = 0u; j < 4; j++) {
        k[i * 4 + j] = keys[(base + at) * QUADS + min(j * KEY_LANES + key_lane, QUADS - 1)];
      }
    }
    for (var i = 0u; i < KEY_ROUNDS; i++) {
      var part = vec4f(0);
      for (var j = 0u; j < 4; j++) {
        let vector = kv_read(k[i * 4 + j]);
        for (var h = 0u; h < GROUP_HEADS; h++) {
          part[h] += dot(query[h * 4 + j], vector);
        }
      }
      let slot = i * KEYS_AT_ONCE + key_slot;
      if (slot < TILE_K) {
        parts[slot * KEY_LANES + key_lane] = part;
      }
    }
    workgroupBarrier();

    if (own < TILE_K) {
      var score = vec4f(0);
      for (var i = 0u; i < KEY_LANES; i++) {
        score += parts[own * KEY_LANES + i];
      }
      scores[own] = select(vec4f(LOWEST), capped(score * SCALE), key + own < end);
    }
    workgroupBarrier();
    if (own < 8) {
      var peak = scores[own];
      for (var i = own + 8; i < TILE_K; i += 8) {
        peak = max(peak, scores[i]);
      }
      peaks[own] = peak;
    }
    workgroupBarrier();
    var peak = largest;
    for (var i = 0u; i < 8; i++) {
      peak = max(peak, peaks[i]);
    }
    let decay = exp(largest - peak);
    largest = peak;
    total *= decay;
    if (own < TILE_K) {
      let weight = select(vec4f(0), exp(scores[own] - peak), key + own < end);
      weights[own] = weight;
      total += weight;
    }
    for (var h = 0u; h < GROUP_HEADS; h++) {
      sums[h] *= decay[h];
    }
    workgroupBarrier();
    for (var i = 0u; i < TILE_K / VALUES_AT_ONCE; i++) {
      let weight = weights[i * VALUES_AT_ONCE + value_slot];
      let v = kv_read(value[i]);
      for (var h = 0u; h < GROUP_HEADS; h++) {
        sums[h] += weight[h] * v;
      }
    }
  }

  // The sums of the slots become one. Nothing reads `parts` any more: of the last tile they were
  // read before a barrier that all have passed.
  for (var h = 0u; h < GROUP_HEADS; h++) {
    parts[h * WG + own] = sums[h];
  }
  if (own < TILE_K) {
    scores[own] = total;
  }
  workgroupBarrier();
  for (var i = own; i < heads * QUADS; i += WG) {
    let h = i / QUADS;
    let column = i % QUADS;
    var sum = vec4f(0);
    for (var slot = 0u; slot < VALUES_AT_ONCE; slot++) {
      sum += parts[h * WG + slot * VALUE_LANES + column];
    }
    let to = (((first_head + h) * SPLITS + id.x) * QUADS + column) * 2;
    partial[to] = sum.xy;
    partial[to + 1] = sum.zw;
  }
  if (own == 0) {
    var sum = vec4f(0);
    for (var i = 0u; i < TILE_K; i++) {
      sum += scores[i];
    }
    for (var h = 0u; h < heads; h++) {
      let to = HEADS * SPLITS * HEAD_SIZE / 2 + (first_head + h) * SPLITS + id.x;
      partial[to] = vec2f(largest[h], sum[h]);
    }
  }
}
