// `make bench`, its second half: encoding beside two peers, on the same tokenizer.json, the same
// text and in the same run: npm's `@huggingface/tokenizers` and PyPI's `tokenizers` on one thread.
//
// The text is this repository's: documents and code. Repetitions are interleaved, one of each engine
// in turn, so that whatever else slows the machine slows all; each is a process of its own and gives
// its best pass. Engines that disagree on the number of tokens are not compared.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./lib/model.mjs";
import { summarize } from "./lib/statistics.mjs";

const names = ["gpt2", "llama3", "gpt4o", "deepseek_v3"];
const marks = [
  "<!-- tokenizers: begin; written by bench/tokenizers.mjs -->",
  "<!-- tokenizers: end -->",
];

/** Bytes of text: a pass of the slowest takes seconds. */
const corpusBytes = 1_000_000;

const { values } = parseArgs({
  options: {
    repeat: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    "dry-run": { type: "boolean", default: false },
  },
});

/** Engines by their column, each a command but for its arguments. */
const engines = [
  {
    title: "Hearth, wasm",
    // One module for all: encoding uses no relaxed SIMD.
    command: [
      "node",
      "--no-warnings",
      "scripts/run-wasi.mjs",
      "build/wasm-simd/bench/tokenizer_bench.wasm",
    ],
  },
  { title: "@huggingface/tokenizers, Node", command: ["node", "bench/lib/tokenizers-npm.mjs"] },
  { title: "Hearth, native", command: ["build/native/bench/tokenizer_bench"] },
  { title: "tokenizers (PyPI), 1 thread", command: ["python3", "bench/lib/tokenizers-pypi.py"] },
];

/** Whole files, each behind its length. */
function writeCorpus(path) {
  const list = ["ls-files", "*.md", "core/src/*/*.cc", "packages/hearth/src/*.ts"];
  const files = execFileSync("git", list, { cwd: root, encoding: "utf8" }).trim().split("\n");
  const parts = [];
  let bytes = 0;
  for (const file of files) {
    if (bytes >= corpusBytes) break;
    const text = readFileSync(join(root, file));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(text.length);
    parts.push(size, text);
    bytes += text.length;
  }
  writeFileSync(join(root, path), Buffer.concat(parts));
}

function measure({ command }, tokenizer, corpus) {
  const [program, ...first] = command;
  const env = {
    ...process.env,
    TOKENIZERS_PARALLELISM: "false",
    PYTHONPATH: join(root, ".cache/python"),
  };
  const args = [...first, tokenizer, corpus, values.seconds];
  const out = execFileSync(program, args, { cwd: root, env, encoding: "utf8" });
  const found = /^([\d.]+) MB\/s (\d+) tokens$/m.exec(out);
  if (!found) throw new Error(`${program} printed ${out}`);
  return { speed: Number(found[1]), tokens: Number(found[2]) };
}

const corpus = "out/tokenizers.bin";
mkdirSync(join(root, "out"), { recursive: true });
writeCorpus(corpus);
const rows = [];
for (const name of names) {
  const path = `bench/peers/node_modules/@lenml/tokenizer-${name}/models/tokenizer.json`;
  const samples = engines.map(() => []);
  for (let i = 0; i < Number(values.repeat); i++) {
    for (const [at, engine] of engines.entries()) samples[at].push(measure(engine, path, corpus));
  }
  const counts = new Set(samples.flat().map(({ tokens }) => tokens));
  const speeds = samples.map((list) => summarize(list.map(({ speed }) => speed)).median);
  const ratio = (a, b) => `${(speeds[a] / speeds[b]).toFixed(1)}×`;
  rows.push([name, ...speeds.map((one) => one.toFixed(2)), ratio(0, 1), ratio(2, 3)]);
  process.stderr.write(`${rows.at(-1).join("  ")}\n`);
  if (counts.size > 1) throw new Error(`${name}: engines made ${[...counts].join(", ")} tokens`);
}
const head = [
  "MB/s",
  ...engines.map(({ title }) => title),
  "wasm over Node's",
  "native over PyPI's",
];
const line = (cells) => `| ${cells.join(" | ")} |`;
const table = [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)];
console.log(table.join("\n"));
if (!values["dry-run"]) {
  const page = join(root, "docs/performance.md");
  const text = readFileSync(page, "utf8");
  const [begin, end] = marks.map((mark) => text.indexOf(mark));
  if (begin < 0 || end < begin) throw new Error("docs/performance.md has no place for the table");
  const before = text.slice(0, begin + marks[0].length);
  writeFileSync(page, `${before}\n\n${table.join("\n")}\n\n${text.slice(end)}`);
}
