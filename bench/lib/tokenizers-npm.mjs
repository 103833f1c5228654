// Times `@huggingface/tokenizers` (npm): node tokenizers-npm.mjs TOKENIZER.json CORPUS SECONDS. Prints
// what core/bench/tokenizer_bench.cc prints, for the same passes.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [path, corpus, seconds] = process.argv.slice(2);
const peers = createRequire(new URL("../peers/package.json", import.meta.url));
const { Tokenizer } = peers("@huggingface/tokenizers");

const data = readFileSync(corpus);
const texts = [];
let bytes = 0;
for (let at = 0; at < data.length; ) {
  const size = data.readUInt32LE(at);
  texts.push(data.toString("utf8", at + 4, at + 4 + size));
  bytes += size;
  at += 4 + size;
}
const tokenizer = new Tokenizer(JSON.parse(readFileSync(path, "utf8")), {});
const until = performance.now() + 1000 * Number(seconds);
let best = Infinity;
let tokens = 0;
do {
  const start = performance.now();
  tokens = 0;
  for (const text of texts) tokens += tokenizer.encode(text).ids.length;
  best = Math.min(best, performance.now() - start);
} while (performance.now() < until);
console.log(`${(bytes / 1000 / best).toFixed(2)} MB/s ${tokens} tokens`);
