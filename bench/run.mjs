// `make bench`: Hearth beside its peers, on the same GGUF, the same machine and in the same run.
//
// Repetitions are interleaved, one of each engine in turn, so that whatever else slows the machine
// for a while slows all of them. Each repetition loads its engine anew and closes it again: nothing
// idles beside the engine that is measured. Engines that fail are named at the end, the others are
// shown, the page stays as it was, and the exit status is 1.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { defaultLengths, defaultSteps, parseCount, parseLengths } from "./lib/alone.mjs";
import { startBrowser } from "./lib/browser.mjs";
import { findModel, root } from "./lib/model.mjs";
import { measure } from "./lib/peer.mjs";
import { place, report } from "./lib/report.mjs";
import * as hearthBrowser from "./peers/hearth_browser.mjs";
import * as hearthNode from "./peers/hearth_node.mjs";
import * as llamaCpp from "./peers/llama_cpp.mjs";
import * as wllama from "./peers/wllama.mjs";

const engines = [
  { key: "hearth-browser", ...hearthBrowser },
  { key: "wllama", ...wllama },
  { key: "hearth-node", ...hearthNode, device: "wasm" },
  { key: "hearth-native", ...hearthNode, device: "native" },
  { key: "llama.cpp", ...llamaCpp },
];

const options = {
  model: { type: "string" },
  repeat: { type: "string", default: "5" },
  threads: { type: "string", default: "1,2" },
  prefill: { type: "string", default: defaultLengths.join(",") },
  decode: { type: "string", default: String(defaultSteps) },
  only: { type: "string" },
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
};

const help = `usage: node bench/run.mjs [--repeat 5] [--threads 1,2] [--prefill 32,128,512]
         [--decode 64] [--model FILE.gguf] [--only ENGINE,ENGINE] [--dry-run]

Measures load, prefill and decode of Hearth and its peers in turn, and writes the table into
docs/performance.md and every sample into out/bench.json. --dry-run leaves the page as it is.

engines: ${engines.map(({ key }) => key).join(", ")}
example: node bench/run.mjs --repeat 1 --prefill 32 --decode 16 --only wllama,llama.cpp --dry-run`;

try {
  const { values } = parseArgs({ options });
  if (values.help) console.log(help);
  else await run(values);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** @param {Record<string, any>} values the options */
async function run(values) {
  const model = values.model ?? findModel();
  const repeat = parseCount(values.repeat, "repeat");
  const lengths = parseLengths(values.prefill);
  const steps = parseCount(values.decode, "decode");
  const threads = values.threads.split(",").map((text) => parseCount(text, "threads"));
  const keys = values.only?.split(",") ?? engines.map(({ key }) => key);
  const unknown = keys.filter((key) => !engines.some((engine) => engine.key === key));
  if (unknown.length > 0) throw new Error(`No engine is called ${unknown.join(", ")}; see --help.`);
  const chosen = engines.filter(({ key }) => keys.includes(key));

  const browser = await startBrowser({ model });
  const rows = [];
  const failures = [];
  try {
    const cases = chosen.flatMap((engine) => threads.map((count) => ({ engine, count })));
    for (let i = 0; i < repeat; i++) {
      for (const [at, one] of cases.entries()) {
        if (one.failed) continue;
        const { engine, count } = one;
        const label = `${engine.key}, ${count} ${count === 1 ? "thread" : "threads"}`;
        const done = `${i * cases.length + at + 1}/${repeat * cases.length}`;
        process.stderr.write(`[${done}] ${label} … `);
        try {
          const peer = await engine.create({
            model,
            threads: count,
            browser,
            device: engine.device,
          });
          const { note, ...sample } = await measure(peer, { lengths, steps });
          one.row ??= { ...facts(peer), note, samples: [] };
          one.row.samples.push(sample);
          process.stderr.write(`decode ${sample.decode.toFixed(1)} tokens/s\n`);
        } catch (error) {
          one.failed = true;
          failures.push(`${label}: ${error.message}`);
          process.stderr.write("failed\n");
        }
      }
    }
    rows.push(...cases.filter(({ row }) => row).map(({ row }) => row));
  } finally {
    await browser.close();
  }

  const machine = [
    ["Processor", `${cpus()[0].model.trim()}, ${cpus().length} cores, ${gigabytes()} GB of memory`],
    ["Browser", `${browser.version}, headless`],
    ["Node", process.version],
    ["Model", basename(model)],
    ["Versions", [...new Set(rows.map(({ version }) => version))].join("; ")],
    ["Repetitions", `${repeat}, interleaved; median (lowest–highest)`],
    ["Date", new Date().toISOString().slice(0, 10)],
  ];
  mkdirSync(join(root, "out"), { recursive: true });
  const everything = { machine: Object.fromEntries(machine), lengths, steps, rows, failures };
  writeFileSync(join(root, "out", "bench.json"), `${JSON.stringify(everything, null, 2)}\n`);
  if (rows.length > 0) {
    const table = report({ rows, facts: machine, lengths, steps });
    console.log(table);
    const page = join(root, "docs", "performance.md");
    const write = failures.length === 0 && !values["dry-run"];
    if (write) writeFileSync(page, place(readFileSync(page, "utf8"), table));
  }
  for (const failure of failures) console.error(`failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

function facts({ name, where, threads, version }) {
  return { name, where, threads, version };
}

function gigabytes() {
  return Math.round(totalmem() / 2 ** 30);
}
