// Prelude of the full program's later kernels, after `sample.wgsl`: finding in the histograms of
// weights where a filter cuts.

const TOP_K: u32 = 0;
const TOP_P: u32 = 1;

// What is known of a filter after a level.
struct Found {
  prefix: u32,  // the first 10, 20 or 30 bits of the smallest weight that is kept
  above: u32,   // weights with a larger prefix, which are all kept
  sum: f32,     // of these
  equal: u32,   // after the last level: how many of the weights with these bits are kept
  goal: u32,    // to be kept in all: for top-k a number, for top-p the bits of a sum of weights
}
const FOUND_WORDS: u32 = 5;

// The last level of this one is what both filters keep together.
const BOTH: u32 = 2;

fn load_found(by: u32, level: u32) -> Found {
  let at = FOUND + (by * 3 + level - 1) * FOUND_WORDS;
  return Found(atomicLoad(&scratch[at]), atomicLoad(&scratch[at + 1]),
               bitcast<f32>(atomicLoad(&scratch[at + 2])), atomicLoad(&scratch[at + 3]),
               atomicLoad(&scratch[at + 4]));
}

fn store_found(by: u32, level: u32, found: Found) {
  let at = FOUND + (by * 3 + level - 1) * FOUND_WORDS;
  atomicStore(&scratch[at], found.prefix);
  atomicStore(&scratch[at + 1], found.above);
  atomicStore(&scratch[at + 2], bitcast<u32>(found.sum));
  atomicStore(&scratch[at + 3], found.equal);
  atomicStore(&scratch[at + 4], found.goal);
}

// What a filter keeps, after its last level.
fn kept_sum(found: Found) -> f32 {
  return found.sum + f32(found.equal) * bitcast<f32>(found.prefix);
}

fn histogram_at(by: u32, level: u32) -> u32 {
  if (level == 1) {
    return HISTOGRAMS;
  }
  return HISTOGRAMS + (3 + 3 * by + select(0u, 2u, level == 3)) * BINS;
}

// The sum of a bin's weights, whose first bits are `prefix`.
fn bin_sum(histogram: u32, bin: u32, level: u32, prefix: u32) -> f32 {
  let count = atomicLoad(&scratch[histogram + bin]);
  let bits = prefix << (30 - 10 * level);
  // What their further bits add, in units of the last place, which is the same for all of a bin.
  var rest = 0.0;
  if (level == 1) {
    rest = f32(atomicLoad(&scratch[histogram + BINS + bin])) * 1024 +
           f32(atomicLoad(&scratch[histogram + 2 * BINS + bin]));
  } else if (level == 2) {
    rest = f32(atomicLoad(&scratch[histogram + BINS + bin]));
  }
  return f32(count) * bitcast<f32>(bits) + rest * (bitcast<f32>(bits & 0x7f800000) * 0x1p-23);
}

const OWN_BINS: u32 = BINS / WG;

var<workgroup> scan_counts: array<u32, WG>;
var<workgroup> scan_sums: array<f32, WG>;
var<workgroup> crossing: atomic<u32>;
var<workgroup> last_filled: atomic<u32>;
var<workgroup> decided: Found;

// Goes from the largest weights down until the filter's goal is reached, and says in which bin of
// this level that is. `before` is what the level before found; for the first level, `share_of` is
// the sum that top-p takes its share of, or negative for that of all weights. The whole workgroup
// calls this, and each invocation has the result.
fn decide(by: u32, level: u32, before: Found, share_of: f32, lane: u32) -> Found {
  let histogram = histogram_at(by, level);
  // An invocation has neighbouring bins, lane 0 the largest.
  let first = BINS - 1 - lane * OWN_BINS;
  var count = 0u;
  var sum = 0.0;
  for (var i = 0u; i < OWN_BINS; i++) {
    let bin = first - i;
    count += atomicLoad(&scratch[histogram + bin]);
    sum += bin_sum(histogram, bin, level, before.prefix * BINS + bin);
  }
  workgroupBarrier();  // a decision before may still be being read
  scan_counts[lane] = count;
  scan_sums[lane] = sum;
  if (lane == 0) {
    atomicStore(&crossing, WG);
    atomicStore(&last_filled, 0);
  }
  // Running sums, in log2(WG) rounds (Hillis and Steele, "Data parallel algorithms", 1986).
  for (var reach = 1u; reach < WG; reach *= 2) {
    workgroupBarrier();
    var more = 0u;
    var more_sum = 0.0;
    if (lane >= reach) {
      more = scan_counts[lane - reach];
      more_sum = scan_sums[lane - reach];
    }
    workgroupBarrier();
    scan_counts[lane] += more;
    scan_sums[lane] += more_sum;
  }
  workgroupBarrier();

  var goal = before.goal;
  if (level == 1) {
    let all = select(scan_sums[WG - 1], share_of, share_of >= 0);
    goal = select(bitcast<u32>(settings.top_p * all), min(settings.top_k, scan_counts[WG - 1]),
                  by == TOP_K);
  }
  if (count > 0) {
    atomicMax(&last_filled, lane);
    if (is_reached(by, goal, before.above + scan_counts[lane], before.sum + scan_sums[lane])) {
      atomicMin(&crossing, lane);
    }
  }
  workgroupBarrier();
  var at = atomicLoad(&crossing);
  if (at == WG) {
    at = atomicLoad(&last_filled);  // rounding left a crumb: all are kept
  }
  if (lane == at) {
    var found = Found(0, before.above, before.sum, 0, goal);
    if (lane > 0) {
      found.above += scan_counts[lane - 1];
      found.sum += scan_sums[lane - 1];
    }
    decided = in_own_bins(by, level, before, found, histogram, first);
  }
  return workgroupUniformLoad(&decided);
}

fn is_reached(by: u32, goal: u32, count: u32, sum: f32) -> bool {
  if (by == TOP_K) {
    return count >= goal;
  }
  return sum >= bitcast<f32>(goal);
}

// The bin among an invocation's own in which the goal is reached, or the last that has any weights.
// `start` has what lies above them.
fn in_own_bins(by: u32, level: u32, before: Found, start: Found, histogram: u32,
               first: u32) -> Found {
  var next = start;
  var found = start;
  for (var i = 0u; i < OWN_BINS; i++) {
    let bin = first - i;
    let own = atomicLoad(&scratch[histogram + bin]);
    if (own == 0) {
      continue;
    }
    next.prefix = before.prefix * BINS + bin;
    next.equal = own;
    found = next;
    next.above += own;
    next.sum += bin_sum(histogram, bin, level, next.prefix);
    if (is_reached(by, found.goal, next.above, next.sum)) {
      break;
    }
  }
  if (level == 3) {
    var missing = found.goal - min(found.goal, found.above);
    if (by == TOP_P) {
      let sum = bitcast<f32>(found.goal) - found.sum;
      missing = u32(clamp(ceil(sum / bitcast<f32>(found.prefix)), 0, f32(found.equal)));
    }
    found.equal = clamp(missing, 1, max(found.equal, 1));
  }
  return found;
}
