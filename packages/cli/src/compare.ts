// How near an output is to its reference: the measure that tests/goldens/README.md lays down.

export interface Comparison {
  /** Largest absolute error over the largest absolute reference value; infinite where they disagree on what is a number. */
  error: number;
  /** Largest finite absolute reference value. */
  scale: number;
}

/**
 * Compares `actual` with `reference`, element by element. Infinities must be the same ones (masked
 * logits are -inf in both). A NaN on either side is an infinite error: a reference that holds one
 * proves nothing, and an output that holds one is wrong.
 */
export function compare(actual: ArrayLike<number>, reference: ArrayLike<number>): Comparison {
  let scale = 0;
  let worst = 0;
  if (actual.length !== reference.length) worst = Number.POSITIVE_INFINITY;
  for (let i = 0; i < reference.length; i++) {
    const want = reference[i] as number;
    const got = actual[i] as number;
    if (Number.isFinite(want)) scale = Math.max(scale, Math.abs(want));
    if (want === got) continue;
    const error = Math.abs(want - got);
    // NaN fails every comparison, so it is asked for by name; Math.max would keep it, but
    // `NaN > tolerance` is false.
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  }
  if (worst === 0) return { error: 0, scale };
  return { error: scale === 0 ? Number.POSITIVE_INFINITY : worst / scale, scale };
}

export interface TopTwo {
  best: number;
  /** Distance between the best and the second best logit; 0 for a single one, NaN where one is NaN. */
  gap: number;
}

/** The likeliest id (the lowest of equals, as PyTorch's argmax has it) and by how much it is. */
export function topTwo(logits: ArrayLike<number>): TopTwo {
  let best = 0;
  let second = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    if (Number.isNaN(logits[i])) return { best: -1, gap: Number.NaN };
  }
  for (let i = 1; i < logits.length; i++) {
    const value = logits[i] as number;
    if (value > (logits[best] as number)) {
      second = logits[best] as number;
      best = i;
    } else {
      second = Math.max(second, value);
    }
  }
  const top = logits[best] as number;
  // Two equal infinities are a tie, though their difference is NaN.
  return { best, gap: logits.length < 2 || top === second ? 0 : top - second };
}
