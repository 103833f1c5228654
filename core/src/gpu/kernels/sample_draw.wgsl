// Last of the full sampling program: draws among what the filters kept, in the order of ids. One
// workgroup. After `sample_select.wgsl`.
//
// Three walks of the same kind, by one invocation, narrow the draw down: over the pieces, over the
// parts of the piece, one of each invocation, and over the ids of the part.

var<workgroup> sums: array<f32, WG>;    // of the weights above the cut
var<workgroup> equals: array<u32, WG>;  // how many are at it
var<workgroup> walk: Walk;

struct Walk {
  left: f32,   // of the random sum: where it falls below zero is the choice
  equal: u32,  // of the weights at the cut, how many are kept that have not been passed
  at: u32,
}

// The high and the low 32 bits of the product.
fn product(a: u32, b: u32) -> vec2u {
  let low = (a & 0xffff) * (b & 0xffff);
  let middle = (a >> 16) * (b & 0xffff) + (low >> 16);
  let other = (a & 0xffff) * (b >> 16) + (middle & 0xffff);
  return vec2u((a >> 16) * (b >> 16) + (middle >> 16) + (other >> 16), a * b);
}

// Uniform in [0, 1) for the seed and the step's draw: the first 24 bits of Philox4x32-10 (Salmon,
// Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), whose constants
// these are. core/src/sample/philox.h has the same.
fn uniform_number() -> f32 {
  var counter = vec4u(step.draw, 0, 0, 0);
  var key = vec2u(settings.seed_low, settings.seed_high);
  for (var i = 0u; i < 10; i++) {
    let a = product(0xd2511f53, counter.x);
    let b = product(0xcd9e8d57, counter.z);
    counter = vec4u(b.x ^ counter.y ^ key.x, b.y, a.x ^ counter.w ^ key.y, a.y);
    key += vec2u(0x9e3779b9, 0xbb67ae85);
  }
  return f32(counter.x >> 8) * 0x1p-24;
}

// What of `sums` and `equals` is kept, given how many at the cut may be.
fn kept_of(i: u32, equal: u32, cut: Found) -> f32 {
  return sums[i] + f32(min(equals[i], equal)) * bitcast<f32>(cut.prefix);
}

// The entry of the first `count` where the walk ends; what is left for the walk inside it. Where
// rounding leaves a crumb, the last that keeps anything.
fn walk_on(start: Walk, count: u32, cut: Found) -> Walk {
  var next = start;
  var found = start;
  for (var i = 0u; i < count; i++) {
    let kept = kept_of(i, next.equal, cut);
    if (kept > 0) {
      found = next;
      found.at = i;
      next.left -= kept;
      next.equal -= min(equals[i], next.equal);
      if (next.left < 0) {
        break;
      }
    }
  }
  return found;
}

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
  let best = best_of_pieces(lane);
  if (is_certain(best)) {
    if (lane == 0) {
      choose(best.y);
    }
    return;
  }
  let cut = load_found(BOTH, 3);
  if (lane < PIECES) {
    sums[lane] = bitcast<f32>(atomicLoad(&scratch[SUMS + 2 * lane]));
    equals[lane] = atomicLoad(&scratch[SUMS + 2 * lane + 1]);
  }
  workgroupBarrier();
  if (lane == 0) {
    var total = 0.0;
    var equal = cut.equal;
    for (var i = 0u; i < PIECES; i++) {
      total += kept_of(i, equal, cut);
      equal -= min(equals[i], equal);
    }
    walk = walk_on(Walk(uniform_number() * total, cut.equal, 0), PIECES, cut);
  }
  let piece = workgroupUniformLoad(&walk);

  // An invocation sums a part of neighbouring ids.
  let size = (PIECE + WG - 1) / WG;
  let end = min((piece.at + 1) * PIECE, VOCAB);
  let begin = piece.at * PIECE + lane * size;
  var sum = 0.0;
  var equal = 0u;
  for (var i = begin; i < min(begin + size, end); i++) {
    let weight = logits[i];
    if (weight > cut.prefix) {
      sum += bitcast<f32>(weight);
    } else if (weight > 0 && weight == cut.prefix) {
      equal++;
    }
  }
  sums[lane] = sum;
  equals[lane] = equal;
  workgroupBarrier();
  if (lane == 0) {
    var found = walk_on(piece, WG, cut);
    let first = piece.at * PIECE + found.at * size;
    var id = NONE;
    for (var i = first; i < min(first + size, end); i++) {
      let weight = logits[i];
      if (weight > cut.prefix || (weight == cut.prefix && weight > 0 && found.equal > 0)) {
        id = i;
        found.left -= bitcast<f32>(weight);
        if (found.left < 0) {
          break;
        }
        if (weight == cut.prefix) {
          found.equal--;
        }
      }
    }
    choose(id);
  }
}
