// Weights for a model that is a shape only, for timing: data that a real model could have, so that
// nothing overflows, made once a type and used again for every slice.

import { HearthError } from "../errors.js";

/** A load's file when its data are to be made up. */
export const madeUp = 0xffffffff;

// Any odd 32-bit number does; a fixed one makes runs comparable.
const seed = 0x9e3779b9;

/** Halves from 0.002 to 0.004: weights of some hundredths, as trained models have. */
const smallHalf = 0x1819;
const halfSpread = 0x400;

/** Fills `into`, from the start of a unit on, with values of an element type. */
export function fillRandom(into: Uint8Array, dtype: string, unitBytes: number): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  let state = seed;
  const next = (): number => {
    // Marsaglia's xorshift.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  switch (dtype) {
    case "F32":
      for (let at = 0; at + 4 <= into.length; at += 4) view.setFloat32(at, 1, true);
      return;
    case "F16":
      for (let at = 0; at + 2 <= into.length; at += 2) {
        const sign = next() & 0x8000;
        view.setUint16(at, sign | (smallHalf + (next() % halfSpread)), true);
      }
      return;
    case "Q4_0":
    case "Q8_0":
      // A half to scale by, then codes, of which any are valid.
      for (let at = 0; at + unitBytes <= into.length; at += unitBytes) {
        view.setUint16(at, smallHalf + (next() % halfSpread), true);
        for (let i = 2; i < unitBytes; i++) into[at + i] = next() >>> 11;
      }
      return;
    default:
      throw new HearthError("unsupported_dtype", "No data can be made up for this type.", {
        subject: dtype,
      });
  }
}
