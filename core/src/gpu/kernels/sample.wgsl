// Prelude of the sampling kernels, after `step.wgsl`: what they share. They choose a step's token
// on the device, as core/src/sample/sampler.cc does on the CPU, so that the next step can be
// submitted before anybody has seen it. They take row 0 of the step's logits.
//
// Two programs. Each line is a kernel and its grid; which one a step needs is known on the host:
//
//   greedy, for temperature 0     sample_argmax 64, sample_pick 1
//   full                          sample_argmax 64, sample_weights 64,
//                                 sample_narrow BY 0 LEVEL 2, 64     these two may be left out
//                                 sample_narrow BY 0 LEVEL 3, 64     when top_k is 0,
//                                 sample_narrow BY 1 LEVEL 2, 64     and these two
//                                 sample_narrow BY 1 LEVEL 3, 64     when top_p is 1
//                                 sample_sums 64, sample_draw 1
//
// The kernels from sample_narrow on come after `sample_select`, too. Both programs take biases and
// penalties, and do nothing for them when `bias_count` and `penalize` are 0. The full one is right
// for temperature 0, too. Overrides of all: VOCAB, CONTEXT; of sample_narrow BY, LEVEL.
//
// Bindings, the same in each: 0 step, 1 settings (read, 56 bytes at least), 2 logits (VOCAB floats;
// weights afterwards), 3 counts (VOCAB words: how often an id stands in the penalties' window, in
// the low half; how many of these were generated, in the high half), 4 history (CONTEXT ids by
// position), 5 scratch (9,536 words, 38,144 bytes; need not be cleared), 6 ids (the choice goes to
// ids[0]; 0xffffffff when no logit is a number). Used: argmax 1 2 3 5; pick 1 3 4 5 6; weights 1 2
// 5; narrow 1 2 5; sums 1 2 5; draw 1 2 3 4 5 6. The counts are kept up only while `penalize` is 1;
// the host fills them when it becomes so.
//
// How top-k and top-p work without sorting. The order is of weights exp((logit − largest) /
// temperature), then of ids. A weight is at most 1, so its bits are a 30-bit integer of the same
// order, and each filter keeps what is above some integer, and a number of those equal to it. That
// integer is found in three times ten bits: histograms of the first ten over all weights, of the
// next ten over those that share the first, and of the last. A histogram has the bins' counts, and
// for top-p what gives the bins' sums of weights exactly: all in a bin have the same exponent, so
// sums of the bits that are left will do. Sums of integers do not depend on the order of atomics:
// the same seed gives the same tokens.

struct Settings {
  temperature: f32,
  top_p: f32,
  min_p: f32,
  top_k: u32,
  repetition: f32,
  frequency: f32,
  presence: f32,
  window: u32,  // tokens that penalties look at; 0 is all
  seed_low: u32,
  seed_high: u32,
  bias_count: u32,
  penalize: u32,
  bias: array<vec2u>,  // (id, bits of a float)
}

override VOCAB: u32;
override CONTEXT: u32;

@group(0) @binding(1) var<storage, read> settings: Settings;
// Their bits, as compilers may leave out what tests floats for NaN.
@group(0) @binding(2) var<storage, read_write> logits: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> history: array<u32>;
@group(0) @binding(5) var<storage, read_write> scratch: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> ids: array<u32>;

const WG: u32 = 256;
const NONE: u32 = 0xffffffff;

// Workgroups that share the vocabulary, each with neighbouring ids. 64 read half a megabyte in
// about the time of a dispatch, and few enough are left for one workgroup to look through.
const PIECES: u32 = 64;
// Ids of a piece; of a small vocabulary the last pieces have none, and their workgroups little to do.
override PIECE: u32 = max(WG, (VOCAB + PIECES - 1) / PIECES);

// Where things lie in scratch.
const BEST: u32 = 0;        // (order, id) of each piece's largest logit
const FOUND: u32 = 128;     // a `Found` (sample_select.wgsl) for each filter and level
const SUMS: u32 = 192;      // (sum above the cut, number at the cut) of each piece
const HISTOGRAMS: u32 = 320;
const BINS: u32 = 1024;
// The first level's, with three words a bin, is for both filters; then for each filter the second
// level's, with two, and the third's, with one.
const HISTOGRAM_WORDS: u32 = 9 * BINS;

// A float's bits as an integer of the same order; 0 for what is never chosen: NaN and −∞.
fn order(bits: u32) -> u32 {
  if ((bits & 0x7fffffff) > 0x7f800000 || bits == 0xff800000) {
    return 0;
  }
  if ((bits & 0x7fffffff) == 0) {
    return 0x80000000;  // both zeros are equal
  }
  return select(bits | 0x80000000, ~bits, (bits >> 31) == 1);
}

// The number that has this order.
fn number_of(place: u32) -> f32 {
  return bitcast<f32>(select(~place, place ^ 0x80000000, (place >> 31) == 1));
}

var<workgroup> best_order: array<u32, WG>;
var<workgroup> best_id: array<u32, WG>;

// (order, id) of the largest of all invocations', the first of equals; the same for each
// invocation.
fn best_of(own: vec2u, lane: u32) -> vec2u {
  best_order[lane] = own.x;
  best_id[lane] = own.y;
  for (var half = WG / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) {
      let other = best_order[lane + half];
      if (other > best_order[lane] ||
          (other == best_order[lane] && best_id[lane + half] < best_id[lane])) {
        best_order[lane] = other;
        best_id[lane] = best_id[lane + half];
      }
    }
  }
  return vec2u(workgroupUniformLoad(&best_order[0]), workgroupUniformLoad(&best_id[0]));
}

// The largest of what sample_argmax left for each piece.
fn best_of_pieces(lane: u32) -> vec2u {
  var own = vec2u(0, NONE);
  if (lane < PIECES) {
    own = vec2u(atomicLoad(&scratch[BEST + 2 * lane]), atomicLoad(&scratch[BEST + 2 * lane + 1]));
  }
  return best_of(own, lane);
}

// Whether there is nothing to draw: temperature 0, no number, or an infinite logit, beside which no
// other has a probability.
fn is_certain(best: vec2u) -> bool {
  return settings.temperature == 0 || best.x == 0 || best.x == 0xff800000;  // order of +∞
}

// Hands out the choice, and does the books for the next one. One invocation calls this.
fn choose(id: u32) {
  ids[0] = id;
  if (id == NONE) {
    return;
  }
  if (step.history < CONTEXT) {
    history[step.history] = id;
  }
  if (settings.penalize == 0) {
    return;
  }
  if ((counts[id] & 0xffff) < 0xffff) {  // a full counter stays as it is
    counts[id] += 0x10001;
  }
  if (settings.window > 0 && step.history >= settings.window) {
    // The oldest of the window leaves it. Prompts come first, so while the window has one of this
    // id from the prompt, that is the one.
    let left = history[step.history - settings.window];
    if (left < VOCAB && (counts[left] & 0xffff) > 0) {
      counts[left] -= select(1u, 0x10001u, (counts[left] >> 16) == (counts[left] & 0xffff));
    }
  }
}
