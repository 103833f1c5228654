// The text over which tokenizers are compared: more than 5 MB, the same on every run, of what makes
// tokenizers differ. A third is this repository's own files, the rest is generated.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Dice, makeLines } from "../parity/lines.js";

const root = new URL("../../", import.meta.url);

/** Of the repository's files: sources, documents and data, cut into documents. */
const ownBytes = 2_000_000;
const documentBytes = 20_000;

/** Lines of about 80 bytes, of each kind in tests/parity/lines.ts. */
const lineCount = 46_000;
const linesInDocument = 40;

/** Half a surrogate pair, which a cut may leave, is no text: U+FFFD takes its place. */
function wellFormed(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

/** The repository's files in their order, as far as they are text. */
function ownDocuments(): string[] {
  const names = execFileSync("git", ["ls-files", "core", "docs", "packages", "apps", "*.md"], {
    cwd: root,
    encoding: "utf8",
  });
  const documents: string[] = [];
  let bytes = 0;
  for (const name of names.split("\n")) {
    if (!/\.(cc|h|ts|tsx|mjs|md|wgsl|json|css|html|inc|py|sh)$/.test(name)) continue;
    const text = readFileSync(new URL(name, root), "utf8");
    for (let at = 0; at < text.length && bytes < ownBytes; at += documentBytes) {
      const part = wellFormed(text.slice(at, at + documentBytes));
      documents.push(part);
      bytes += part.length;
    }
  }
  return documents;
}

/** Stretches that are long in one way: words, runs of spaces, digits, marks, punctuation. */
function longDocuments(dice: Dice): string[] {
  const repeat = (part: string, bytes: number) => part.repeat(Math.ceil(bytes / part.length));
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const ideographs = Array.from({ length: 64 }, () =>
    String.fromCodePoint(0x4e00 + dice.below(20_000)),
  );
  return [
    repeat("a", 20_000),
    dice.picks(letters, 30_000).join(""),
    dice.picks(ideographs, 10_000).join(""),
    dice.picks([..."0123456789"], 10_000).join(""),
    repeat(" ", 10_000),
    repeat("\n", 5_000),
    repeat(" \t\r\n\u00a0\u3000", 10_000),
    `x${repeat("\u0301", 2_000)}y`,
    repeat("=", 5_000),
    repeat("\u200d", 3_000),
    repeat("👩‍👩‍👧‍👦", 5_000),
    repeat("'s'S're ", 5_000),
    repeat("▁", 3_000),
    repeat("Ġ", 3_000),
    repeat("<0x0A>", 3_000),
    repeat("ﷺ½㎏Åé", 5_000),
    "",
    " ",
    "\u0000",
    "\ufeffa\ufeff",
  ];
}

/** Bytes that are no UTF-8, as a decoder leaves them: with U+FFFD where they were. */
function brokenDocuments(dice: Dice): string[] {
  return Array.from({ length: 60 }, () => {
    const bytes = Uint8Array.from({ length: 2_000 }, () =>
      dice.below(4) === 0 ? dice.below(256) : 0x20 + dice.below(0x5f),
    );
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  });
}

/** Code points that the tables of the core know; the reference's are of a later version. */
function knownCharacters(): (code: number) => boolean {
  const known = new Uint8Array(0x110000);
  let first = 0;
  for (const line of readFileSync("/usr/share/unicode/UnicodeData.txt", "utf8").split("\n")) {
    if (line === "") continue;
    const [code, name] = line.split(";") as [string, string];
    const value = Number.parseInt(code, 16);
    if (name.endsWith(", First>")) first = value;
    known.fill(1, name.endsWith(", Last>") ? first : value, value + 1);
  }
  return (code) => known[code] === 1;
}

/**
 * The documents.
 *
 * @returns Well-formed strings. A character that was assigned after the version of the core's
 * tables is U+FFFD.
 */
export function makeCorpus(): string[] {
  const dice = new Dice(11); // any seed will do, as long as it stays
  const documents = ownDocuments();
  const lines = makeLines(lineCount).map((line) => line.text);
  for (let at = 0; at < lines.length; at += linesInDocument) {
    documents.push(lines.slice(at, at + linesInDocument).join(dice.pick(["\n", " ", "\r\n", ""])));
  }
  documents.push(...longDocuments(dice), ...brokenDocuments(dice));
  const known = knownCharacters();
  return documents.map((text) =>
    wellFormed(text).replace(/[^\0-\u02ff]/gu, (c) =>
      known(c.codePointAt(0) as number) ? c : "\ufffd",
    ),
  );
}
