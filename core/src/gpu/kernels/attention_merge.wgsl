// One result of the pieces that `attention_split.wgsl` left: their weighted sums, each multiplied
// by exp(its largest score − the largest of all), over the sum of the weights so multiplied. A
// workgroup takes a head.

override HEADS: u32;
override KV_HEADS: u32 = 1;  // these four are the split's; not used here
override CAPACITY: u32 = 0;
override SCALE: f32 = 1;
override SOFT_CAP: f32 = 0;
override GROUP_HEADS: u32 = 1;
override HEAD_SIZE: u32;
override WINDOW: u32 = 0;
override Q_STRIDE: u32 = 0;
override Q_OFFSET: u32 = 0;
override Y_STRIDE: u32 = 0;
override Y_OFFSET: u32 = 0;
override SPLITS: u32;
override SPAN: u32 = 32;

@group(0) @binding(1) var<storage, read_write> partial: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2f>;

// Two columns an invocation: at 128 columns four read different pieces.
const WG: u32 = 256;
override PAIRS: u32 = HEAD_SIZE / 2;
override SLOTS: u32 = WG / PAIRS;  // at least 2, as heads have at most 256 columns

var<workgroup> weights: array<f32, SPLITS>;
var<workgroup> lanes: array<vec2f, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) own: u32) {
  let length = step.position + 1;
  let seen = select(length, min(length, WINDOW), WINDOW > 0);
  let span = max(SPAN, (seen + SPLITS - 1) / SPLITS);
  let pieces = (seen + span - 1) / span;
  let stats = HEADS * SPLITS * PAIRS + id.x * SPLITS;

  var peak = partial[stats].x;
  for (var i = own; i < pieces; i += WG) {
    peak = max(peak, partial[stats + i].x);
  }
  lanes[own].x = peak;
  for (var half = WG / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (own < half) {
      lanes[own].x = max(lanes[own].x, lanes[own + half].x);
    }
  }
  workgroupBarrier();
  peak = lanes[0].x;
  workgroupBarrier();

  var total = 0.0;
  for (var i = own; i < pieces; i += WG) {
    let one = partial[stats + i];
    weights[i] = exp(one.x - peak);
    total += weights[i] * one.y;
  }
  lanes[own].x = total;
  for (var half = WG / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (own < half) {
      lanes[own].x += lanes[own + half].x;
    }
  }
  workgroupBarrier();
  total = lanes[0].x;
  workgroupBarrier();

  let column = own % PAIRS;
  let slot = own / PAIRS;
  var sum = vec2f(0);
  if (slot < SLOTS) {
    for (var i = slot; i < pieces; i += SLOTS) {
      sum += weights[i] * partial[(id.x * SPLITS + i) * PAIRS + column];
    }
  }
  lanes[own] = sum;
  workgroupBarrier();
  if (own < PAIRS) {
    for (var i = 1u; i < SLOTS; i++) {
      sum += lanes[i * PAIRS + own];
    }
    y[(Y_OFFSET + id.x * HEAD_SIZE) / 2 + own] = sum / total;
  }
}
