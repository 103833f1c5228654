// Encoding with offsets: the core counts bytes, and strings are counted in UTF-16 code units.

import type { Core } from "../core/core.js";
import { wellFormed } from "../openai/check.js";
import type { Encoding } from "./types.js";

type Text = string | Uint8Array;

/** The text as the core takes it. Throws `invalid_utf8` for half a surrogate pair. */
export function utf8(text: Text, name: string): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(wellFormed(text, name)) : text;
}

/** Where in the string each byte of its UTF-8 is, and where the last one ends. */
function unitsOfBytes(text: string): Uint32Array {
  const units = new Uint32Array(new TextEncoder().encode(text).length + 1);
  let byte = 0;
  let unit = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    units.fill(unit, byte, byte + bytes);
    byte += bytes;
    unit += character.length;
  }
  units[byte] = unit;
  return units;
}

/** See `Tokenizer.encode`. */
export async function encode(
  core: Core,
  tokenizer: number,
  text: Text,
  pair: Text | undefined,
  options: { addSpecial: boolean; parseSpecial: boolean },
): Promise<Encoding> {
  const encoded = await core.call("encode", {
    tokenizer,
    text: utf8(text, "text"),
    hasPair: pair !== undefined,
    pair: pair === undefined ? new Uint8Array() : utf8(pair, "pair"),
    ...options,
  });
  const { ids, begins, ends, second, typeIds, added } = encoded;
  const units = [text, pair].map((one) =>
    typeof one === "string" ? unitsOfBytes(one) : undefined,
  );
  const offsets = ids.map((_, i): [number, number] => {
    const map = units[second[i] as number];
    const begin = begins[i] as number;
    const end = ends[i] as number;
    return map ? [map[begin] as number, map[end] as number] : [begin, end];
  });
  return { ids, offsets, typeIds, added: added.map((one) => one === 1) };
}
