// Writes the corpus where the Python scripts read it: each document behind its length in bytes.

import { writeFileSync } from "node:fs";

/** @param documents As from makeCorpus(); returned in UTF-8. */
export function writeCorpus(path: string, documents: readonly string[]): Uint8Array[] {
  const encoder = new TextEncoder();
  const texts = documents.map((text) => encoder.encode(text));
  const parts = texts.flatMap((text) => [Buffer.from(Uint32Array.of(text.length).buffer), text]);
  writeFileSync(path, Buffer.concat(parts));
  return texts;
}
