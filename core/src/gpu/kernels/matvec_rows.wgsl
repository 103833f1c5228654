// What `matvec` and `matvec_dot8` share: how rows of W are dealt out, and what is done with the
// sums. Follows a reduce prelude, step, a layout and `linear`.
//
// Decoding is bound by the bytes of W, so that everything else serves to keep loads under way. A
// workgroup has ROWS rows of W (with GLU, as many gates and their ups: LINES); its invocations
// share a row by pieces (units, or shares of units), and each takes the same piece of all its rows,
// so that x is loaded once for all of them and several independent loads wait at once.

// Tuning: LINES may be 16 at most, and LINES · BATCH 32. For one vector an H200 is fastest with
// 128 invocations and 8 lines in `matvec`, and with 32 and 4 in `matvec_dot8`.
override WG: u32 = 64;
override ROWS: u32 = 4;
override BATCH: u32 = 1;

const MAX_LINES: u32 = 16;
// A workgroup's dot products, and Σ x² of at most 8 vectors.
const SUMS: u32 = 32 + 8;

// Rows of W that a workgroup reads.
override LINES: u32 = select(1u, 2u, GLU > 0u) * ROWS;

// Where each line begins, in pieces of which a row has so many. Rows past the end repeat the last,
// so that no load needs a condition; they are not written.
fn line_starts(first: u32, pieces: u32) -> array<u32, MAX_LINES> {
  var starts: array<u32, MAX_LINES>;
  for (var l = 0u; l < LINES; l++) {
    starts[l] = (min(first + l % ROWS, N - 1u) + l / ROWS * N) * pieces;
  }
  return starts;
}

fn activate(v: f32) -> f32 {
  if (GLU == 1u) {
    return v / (1.0 + exp(-v));
  }
  // sqrt(2 / π) and 0.044715 are those of the approximation of GELU by tanh. Beyond ±20 tanh is ±1
  // in floats, and some drivers' tanh overflows.
  let inner = 0.7978845608 * (v + 0.044715 * v * v * v);
  return 0.5 * v * (1.0 + tanh(select(clamp(inner, -20.0, 20.0), inner, inner != inner)));
}

// Adds up all invocations' sums (of line l and vector t at t · LINES + l, and Σ x² behind them) and
// writes the results.
fn finish(sums: ptr<function, array<f32, SUMS>>, first: u32, tokens: u32, lane: Lane) {
  reduce(sums, BATCH * LINES + select(0u, BATCH, NORM == 1u), lane);
  for (var i = lane.index; i < BATCH * ROWS; i += WG) {
    let t = i / ROWS;
    let row = i % ROWS;
    if (t >= tokens || first + row >= N) {
      continue;
    }
    var factor = 1.0;
    if (NORM == 1u) {
      factor = inverseSqrt(total(BATCH * LINES + t) / f32(K) + EPSILON);
    }
    var value = biased(first + row, total(t * LINES + row) * factor);
    if (GLU > 0u) {
      let up = total(t * LINES + ROWS + row) * factor;
      value = activate(value) * biased(N + first + row, up);
    }
    put(t, first + row, value);
  }
}
