// `hearth bench`: how fast a model loads, reads and writes on this machine.

import type { Engine } from "hearth";
import { benchShape } from "../bench-shape.js";
import {
  type Command,
  type Context,
  exitCodes,
  UsageError,
  writeHelp,
  writeJson,
} from "../context.js";
import { describeEngine, engineOptionsOf, interruptible, openEngine } from "../engine.js";
import { commonHelp, engineHelp, type Help } from "../help.js";
import { commonOptions, device, engineOptions, parse, whole, wholes } from "../options.js";
import { formatSeconds, table, wrap } from "../terminal.js";
import { defaultModel } from "./run.js";

// What the core knows today; it has the last word on a name.
const shapes = [
  "smollm2-135m",
  "llama-3.2-1b",
  "llama-3.2-3b",
  "llama-3.1-8b",
  "qwen2-1.5b",
  "phi-3-mini",
];

const help: Help = {
  usage: "hearth bench [MODEL] [options]",
  summary: "measure a model's speed on this machine",
  description: [
    `Measures loading, prefill (reading a prompt) and decode (writing, one token at a time) of MODEL (default: ${defaultModel}). Each figure is the median of the repetitions, after one that is not counted.`,
    "With --shape nothing is downloaded: the GPU runs a model of that shape with weights that are made up. That also measures the bandwidth of its memory and shows what of it a token uses, where the time of a token goes, and the share of each kernel.",
  ],
  options: [
    ["--shape NAME", `a shape instead of MODEL: ${shapes.join(", ")}`],
    ["--prefill N,N", "prompt lengths in tokens (default: 128,512); with --shape one (512)"],
    ["--tokens N,N", "tokens to write (default: 64); with --shape one number"],
    ["--repeat N", "times that each is measured (default: 3)"],
    ["--context N,N", "with --shape: contexts to write behind (default: 0,4096,16384)"],
    ["--batch N", "with --shape: tokens in one prefill step (default: the engine's)"],
    ["--software", "with --shape: take a GPU that is none, too"],
    ...engineHelp,
    ...commonHelp,
  ],
  examples: [
    ["hearth bench", "measure the default model"],
    ["hearth bench --shape llama-3.1-8b", "what the GPU would make of Llama 3.1 8B"],
    ["hearth bench --device wasm --threads 1 --json", "one thread of WebAssembly, for a script"],
  ],
};

export interface Measurement {
  test: "load" | "prefill" | "decode";
  /** 0 for load. */
  tokens: number;
  /** Each repetition, in order. */
  seconds: number[];
  medianSeconds: number;
  /** Of the median; 0 for load. */
  tokensPerSecond: number;
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** One number of an option that may be a list elsewhere. */
function one(name: string, text: string | undefined, otherwise: number): number {
  return whole(name, text, 1) ?? otherwise;
}

function measurement(test: Measurement["test"], tokens: number, seconds: number[]): Measurement {
  const middle = median(seconds);
  return {
    test,
    tokens,
    seconds,
    medianSeconds: middle,
    tokensPerSecond: tokens === 0 ? 0 : tokens / middle,
  };
}

/**
 * `count` ids that are no control tokens, the same in each run. What they say does not matter to
 * the speed; ids far apart touch as many rows of the embedding as a text does. 7919 is a prime, so
 * that the steps go through the whole vocabulary.
 */
function promptIds(count: number, vocabSize: number): number[] {
  // Control tokens come first in the vocabularies of today: the first tenth is left alone.
  const first = Math.floor(vocabSize / 10);
  return Array.from({ length: count }, (_, i) => first + ((i * 7919) % (vocabSize - first)));
}

async function prefillSeconds(
  engine: Engine,
  ids: number[],
  now: () => number,
  signal: AbortSignal,
): Promise<number> {
  const start = now();
  await engine.forward(ids, { all: false, reset: true, signal });
  return now() - start;
}

/** Steps of one token behind a prompt of 16, each waited for, as a chat does. */
async function decodeSeconds(
  engine: Engine,
  count: number,
  now: () => number,
  signal: AbortSignal,
): Promise<number> {
  const ids = promptIds(16 + count, engine.info.model.vocabSize);
  await engine.forward(ids.slice(0, 16), { all: false, reset: true, signal });
  const start = now();
  for (const id of ids.slice(16)) await engine.forward([id], { all: false, reset: false, signal });
  return now() - start;
}

async function measure(
  engine: Engine,
  lengths: { prefill: number[]; decode: number[]; repetitions: number },
  context: Context,
  signal: AbortSignal,
): Promise<Measurement[]> {
  const results = [measurement("load", 0, [engine.info.loadSeconds])];
  const repeat = async (
    test: "prefill" | "decode",
    tokens: number,
    once: () => Promise<number>,
  ) => {
    const seconds: number[] = [];
    for (let i = 0; i <= lengths.repetitions; i++) {
      if (context.stderr.isTTY) {
        context.stderr.write(`\r${test} ${tokens}: ${i + 1}/${lengths.repetitions + 1}\x1b[K`);
      }
      const taken = await once();
      if (i > 0) seconds.push(taken);
    }
    if (context.stderr.isTTY) context.stderr.write("\r\x1b[K");
    results.push(measurement(test, tokens, seconds));
  };
  for (const tokens of lengths.prefill) {
    const ids = promptIds(tokens, engine.info.model.vocabSize);
    await repeat("prefill", tokens, () => prefillSeconds(engine, ids, context.now, signal));
  }
  for (const tokens of lengths.decode) {
    await repeat("decode", tokens, () => decodeSeconds(engine, tokens, context.now, signal));
  }
  return results;
}

function report(context: Context, engine: Engine, results: readonly Measurement[]): void {
  const width = context.stdout.columns;
  const title = `${engine.info.name} on ${describeEngine(engine.info)}`;
  context.stdout.write(`${wrap(title, width).join("\n")}\n\n`);
  const rows = results.map(({ test, tokens, seconds, medianSeconds, tokensPerSecond }) => [
    test,
    tokens === 0 ? "" : String(tokens),
    formatSeconds(medianSeconds),
    tokens === 0 ? "" : tokensPerSecond.toFixed(1),
    seconds.length < 2
      ? ""
      : `${formatSeconds(Math.min(...seconds))} – ${formatSeconds(Math.max(...seconds))}`,
  ]);
  const columns = [
    { title: "test" },
    { title: "tokens", right: true },
    { title: "median", right: true },
    { title: "tokens/s", right: true },
    { title: "range", right: true },
  ];
  // The range is what a narrow terminal can do without.
  const kept = width < 60 ? columns.slice(0, 4) : columns;
  context.stdout.write(
    table(
      kept,
      rows.map((row) => row.slice(0, kept.length)),
      width,
    ),
  );
}

/** Throws for arguments that would silently do nothing. */
function refuse(where: string, given: Record<string, string | boolean | undefined>): void {
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined) throw new UsageError(`${name} means nothing ${where}.`);
}

async function run(args: readonly string[], context: Context): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      ...commonOptions,
      ...engineOptions,
      shape: { type: "string" },
      prefill: { type: "string" },
      tokens: { type: "string" },
      repeat: { type: "string" },
      batch: { type: "string" },
      software: { type: "boolean" },
    },
    1,
  );
  if (values.help) return writeHelp(context, help);
  const repetitions = one("repeat", values.repeat, 3);
  if (values.shape !== undefined) {
    refuse("with --shape", {
      MODEL: positionals[0],
      "--threads": values.threads,
      "--exact": values.exact,
    });
    if (values.device !== undefined && device(values.device) !== "webgpu") {
      throw new UsageError("--shape measures the GPU: --device can be webgpu only.");
    }
    const options = {
      shape: values.shape,
      contexts: wholes("context", values.context, [0, 4096, 16384], 0),
      prefill: one("prefill", values.prefill, 512),
      tokens: one("tokens", values.tokens, 64),
      repeat: repetitions,
      maxBatch: whole("batch", values.batch, 1),
      software: values.software ?? false,
      cacheDir: values["cache-dir"],
      json: values.json ?? false,
    };
    return benchShape(options, context);
  }
  refuse("without --shape", { "--batch": values.batch, "--software": values.software });
  const lengths = {
    prefill: wholes("prefill", values.prefill, [128, 512]),
    decode: wholes("tokens", values.tokens, [64]),
    repetitions,
  };
  const engine = await openEngine(context, positionals[0] ?? defaultModel, engineOptionsOf(values));
  try {
    const results = await interruptible(context, (signal) =>
      measure(engine, lengths, context, signal),
    );
    if (values.json) writeJson(context, { engine: engine.info, results });
    else report(context, engine, results);
    return exitCodes.ok;
  } finally {
    await engine.close();
  }
}

export const bench: Command = { help, run };
