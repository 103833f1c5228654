// Reads one parameter of a request: its type and range, or an error that names it.

import { HearthError } from "../errors.js";

/** An `invalid_argument` that names the parameter. */
export function invalid(name: string, sentence: string): HearthError {
  return new HearthError("invalid_argument", `${name} ${sentence}`, { subject: name });
}

export interface Range {
  readonly least: number;
  readonly most: number;
  /** Whether `least` itself is out. */
  readonly above?: boolean;
}

/** A finite number in the range, or the fallback when it is absent or null. */
export function number(value: unknown, name: string, fallback: number, range: Range): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw invalid(name, "must be a number.");
  }
  const tooSmall = range.above ? value <= range.least : value < range.least;
  if (tooSmall || value > range.most) {
    const from = range.above ? `above ${range.least}` : `from ${range.least}`;
    throw invalid(name, `must be ${from} to ${range.most}, not ${value}.`);
  }
  return value;
}

/** As `number`, of whole numbers. */
export function integer(value: unknown, name: string, fallback: number, range: Range): number {
  const checked = number(value, name, fallback, range);
  if (!Number.isInteger(checked)) throw invalid(name, `must be a whole number, not ${checked}.`);
  return checked;
}

export function boolean(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw invalid(name, "must be true or false.");
  return value;
}

export function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(name, "must be an object.");
  }
  return value as Record<string, unknown>;
}

/**
 * The text, when it can be written as UTF-8. Half a surrogate pair, as cutting a text inside an emoji
 * leaves it, would silently become another character: that is `invalid_utf8`.
 */
export function wellFormed(text: string, name: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text;
  throw new HearthError("invalid_utf8", `${name} holds half a surrogate pair, which is no text.`, {
    subject: name,
  });
}

/** A list of token ids, which are u32. */
export function tokenIds(value: unknown, name: string): number[] {
  if (!Array.isArray(value)) throw invalid(name, "must be a list of token ids.");
  for (const id of value) {
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
      throw invalid(name, `holds ${String(id)}, which is no token id.`);
    }
  }
  return value as number[];
}
