// `hearth verify`: a model's outputs beside those PyTorch wrote down for it. What counts as a pass is
// laid down in tests/goldens/README.md.

import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Engine, type EngineOptions, HearthError } from "hearth";
import { compare, topTwo } from "../compare.js";
import {
  type Command,
  type Context,
  exitCodes,
  UsageError,
  writeHelp,
  writeJson,
} from "../context.js";
import { engineOptionsOf, interruptible } from "../engine.js";
import { commonHelp, engineHelp, type Help } from "../help.js";
import { commonOptions, decimal, engineOptions, parse } from "../options.js";
import { readSafetensors, type Tensor } from "../safetensors.js";
import { type Column, printable, table, wrap } from "../terminal.js";

// tests/goldens/README.md: float32 on the CPU against PyTorch, whose sums run in another order.
const exactTolerance = 2e-4;
// The same page's: where keys and values, or products of matrices, are of 16 bits.
const inexactTolerance = 5e-3;

const goldenFile = "golden.safetensors";

const help: Help = {
  usage: "hearth verify DIR... [options]",
  summary: "compare a model's outputs with PyTorch's",
  description: [
    `Each DIR holds a model, as config.json and safetensors or as GGUF, and ${goldenFile}; or folders that do. The inputs in the golden file are run through the model, with float kernels only unless told otherwise, and each output is compared with the one beside them.`,
    "The error of an output is its largest absolute error divided by the largest absolute reference value. greedy_ids must agree up to the first position whose two best logits are closer than the tolerance. It exits with 1 when an output is past the tolerance or a model does not run.",
  ],
  options: [
    [
      "--tolerance T",
      `largest error that passes (default: ${exactTolerance}, or ${inexactTolerance} if inexact)`,
    ],
    ["--inexact", "with the kernels that other commands take"],
    ...engineHelp.filter(([name]) => name !== "--exact"),
    ...commonHelp,
  ],
  examples: [
    ["hearth verify tests/goldens/llama", "check one model on this machine's best device"],
    ["hearth verify --device wasm tests/goldens", "check all of them on WebAssembly"],
  ],
};

/** One output beside its reference. */
export interface OutputResult {
  name: string;
  ok: boolean;
  /** Relative error; for greedy_ids the share of ids that differ before the first near tie. */
  error: number;
  tolerance: number;
  /** What the figure does not say. */
  note: string;
}

export interface ModelResult {
  directory: string;
  ok: boolean;
  device: string;
  outputs: OutputResult[];
  /** Why it did not run. */
  error?: { code: string; message: string; subject: string };
}

/** The folders at or below `root` with a golden file, sorted by name. */
async function goldenFolders(root: string): Promise<string[]> {
  let entries: Awaited<ReturnType<typeof list>>;
  const list = (folder: string) => readdir(folder, { withFileTypes: true });
  try {
    entries = await list(root);
  } catch (cause) {
    const isFile = await stat(root).then(
      () => true,
      () => false,
    );
    const message = isFile ? "This is a file, not a folder." : "There is no such folder.";
    throw new HearthError("invalid_argument", message, { subject: root, cause });
  }
  // A folder that has a model and no golden beside it is not one to verify: it is left alone.
  if (
    entries.some((entry) => entry.name === goldenFile) &&
    entries.some((e) => e.name === "config.json" || e.name.endsWith(".gguf"))
  ) {
    return [root];
  }
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const below: string[] = [];
  for (const name of folders.sort()) below.push(...(await goldenFolders(join(root, name))));
  return below;
}

/** A GGUF file is named, as the golden beside it has weights' suffix, too. */
async function modelIn(directory: string): Promise<string> {
  const file = (await readdir(directory)).sort().find((name) => name.endsWith(".gguf"));
  return file === undefined ? directory : join(directory, file);
}

function idsOf(tensor: Tensor): number[] {
  if (tensor.shape.length !== 2 || tensor.shape[0] !== 1) {
    throw new HearthError(
      "shape_mismatch",
      `Ids of shape (1, n) are needed, not (${tensor.shape.join(", ")}).`,
      {
        subject: tensor.name,
      },
    );
  }
  return Array.from(tensor.data);
}

/** `logits` is the reference, (1, positions, vocabulary). */
async function verifyLogits(
  engine: Engine,
  ids: number[],
  logits: Tensor,
  tolerance: number,
  signal: AbortSignal,
): Promise<OutputResult> {
  const {
    rows,
    vocabSize,
    logits: actual,
  } = await engine.forward(ids, {
    all: true,
    reset: true,
    signal,
  });
  const expected = logits.shape.join(", ");
  const got = `1, ${rows}, ${vocabSize}`;
  const result = { name: logits.name, tolerance };
  if (expected !== got) {
    const note = `the shape is (${got}), not (${expected})`;
    return { ...result, ok: false, error: Number.POSITIVE_INFINITY, note };
  }
  const { error } = compare(actual, logits.data);
  return { ...result, ok: error <= tolerance, error, note: "" };
}

/**
 * Continues `ids` one token at a time, so that keys and values come from the cache, and is fed the
 * reference's ids, so that one difference is not counted as many. The reference has no logits for
 * what it generated: beyond the first position, the engine's own say whether two are a near tie,
 * which they may once `logits` has passed.
 */
async function verifyGreedy(
  engine: Engine,
  ids: number[],
  greedy: Tensor,
  logits: Tensor | undefined,
  tolerance: number,
  signal: AbortSignal,
): Promise<OutputResult> {
  const reference = idsOf(greedy);
  const result = { name: greedy.name, tolerance };
  let step = await engine.forward(ids, { all: false, reset: true, signal });
  for (const [position, expected] of reference.entries()) {
    const own = step.logits;
    const referenceRow =
      position === 0 && logits !== undefined ? logits.data.subarray(-step.vocabSize) : own;
    const { scale } = compare(referenceRow, referenceRow);
    const { best } = topTwo(own);
    const { gap } = topTwo(referenceRow);
    if (best !== expected) {
      const nearTie = best >= 0 && gap < tolerance * scale;
      const note = nearTie
        ? `${position} of ${reference.length} ids, then a near tie`
        : `id ${position + 1} of ${reference.length} is ${best}, not ${expected}`;
      const wrong = nearTie ? 0 : (reference.length - position) / reference.length;
      return { ...result, ok: nearTie, error: wrong, note };
    }
    if (position + 1 < reference.length) {
      step = await engine.forward([expected], { all: false, reset: false, signal });
    }
  }
  return {
    ...result,
    ok: true,
    error: 0,
    note: `${reference.length} of ${reference.length} ids`,
  };
}

async function verifyOutputs(
  engine: Engine,
  golden: ReadonlyMap<string, Tensor>,
  tolerance: number,
  signal: AbortSignal,
): Promise<OutputResult[]> {
  const input = golden.get("input_ids");
  if (input === undefined) {
    throw new HearthError("missing_tensor", "The golden file has no input_ids.", {
      subject: goldenFile,
    });
  }
  const ids = idsOf(input);
  const logits = golden.get("logits");
  const results: OutputResult[] = [];
  for (const tensor of golden.values()) {
    if (tensor === input) continue;
    if (tensor.name === "logits") {
      results.push(await verifyLogits(engine, ids, tensor, tolerance, signal));
    } else if (tensor.name === "greedy_ids") {
      results.push(await verifyGreedy(engine, ids, tensor, logits, tolerance, signal));
    } else {
      // An input that is not fed or an output that is not computed: either way nothing is proven.
      throw new HearthError("unsupported_config", "Decoders have no such input or output.", {
        subject: tensor.name,
      });
    }
  }
  if (results.length === 0) {
    throw new HearthError("missing_tensor", "The golden file has no outputs.", {
      subject: goldenFile,
    });
  }
  return results;
}

async function verifyFolder(
  context: Context,
  directory: string,
  options: Partial<EngineOptions>,
  tolerance: number,
  signal: AbortSignal,
): Promise<ModelResult> {
  let engine: Engine | undefined;
  try {
    const golden = readSafetensors(await readFile(join(directory, goldenFile)), goldenFile);
    engine = await context.hearth.createEngine({
      ...options,
      model: await modelIn(directory),
      signal,
    });
    const outputs = await verifyOutputs(engine, golden, tolerance, signal);
    const ok = outputs.every((output) => output.ok);
    return { directory, ok, device: engine.info.device, outputs };
  } catch (thrown) {
    const error = HearthError.from(thrown);
    if (error.code === "aborted") throw error;
    const device = engine?.info.device ?? "";
    return { directory, ok: false, device, outputs: [], error: error.toJSON() };
  } finally {
    await engine?.close();
  }
}

const columns: readonly Column[] = [
  { title: "model" },
  { title: "output" },
  { title: "error", right: true },
  { title: "tolerance", right: true },
  { title: "", flexible: true },
];

function rowsOf(result: ModelResult): string[][] {
  const name = printable(basename(result.directory));
  if (result.error !== undefined) {
    return [[name, "", "", "", `FAIL: ${result.error.code}`]];
  }
  return result.outputs.map((output) => {
    const verdict = output.ok ? "ok" : "FAIL";
    return [
      name,
      output.name,
      Number.isFinite(output.error) ? output.error.toExponential(2) : "∞",
      output.tolerance.toExponential(0),
      output.note === "" ? verdict : `${verdict}: ${output.note}`,
    ];
  });
}

function report(context: Context, results: readonly ModelResult[]): void {
  const width = context.stdout.columns;
  const lines = [table(columns, results.flatMap(rowsOf), width)];
  const failures = results.filter((result) => result.error !== undefined);
  if (failures.length > 0) lines.push("\n");
  for (const { directory, error } of failures) {
    const about = error?.subject ? `${error.code}, ${error.subject}` : error?.code;
    const sentence = `${basename(directory)}: ${error?.message} (${about})`;
    lines.push(`${wrap(printable(sentence), width).join("\n")}\n`);
  }
  const passed = results.filter((result) => result.ok).length;
  const failed = results.length - passed;
  const models = results.length === 1 ? "model" : "models";
  const verdict = failed === 0 ? "all ok" : `${passed} ok, ${failed} FAIL`;
  const devices = [...new Set(results.map((result) => result.device))].filter(Boolean).join(", ");
  const where = devices === "" ? "" : ` on ${devices}`;
  lines.push(`\n${results.length} ${models}${where}: ${verdict}\n`);
  context.stdout.write(lines.join(""));
}

async function run(args: readonly string[], context: Context): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      ...commonOptions,
      ...engineOptions,
      tolerance: { type: "string" },
      inexact: { type: "boolean" },
    },
    Number.POSITIVE_INFINITY,
  );
  if (values.help) return writeHelp(context, help);
  if (positionals.length === 0) throw new UsageError("Name a folder to verify.");
  const usual = values.inexact ? inexactTolerance : exactTolerance;
  const tolerance = decimal("tolerance", values.tolerance, 0, Number.POSITIVE_INFINITY) ?? usual;
  const options = { ...engineOptionsOf(values), exact: !values.inexact };

  const directories: string[] = [];
  for (const root of positionals) {
    const found = await goldenFolders(root);
    if (found.length === 0) {
      throw new HearthError("not_found", `No folder here holds a model and ${goldenFile}.`, {
        subject: root,
      });
    }
    directories.push(...found);
  }
  const results = await interruptible(context, async (signal) => {
    const done: ModelResult[] = [];
    for (const directory of directories) {
      if (context.stderr.isTTY && !values.json) {
        context.stderr.write(`\r${done.length}/${directories.length}\x1b[K`);
      }
      done.push(await verifyFolder(context, directory, options, tolerance, signal));
    }
    if (context.stderr.isTTY && !values.json) context.stderr.write("\r\x1b[K");
    return done;
  });
  const ok = results.every((result) => result.ok);
  if (values.json) writeJson(context, { ok, models: results });
  else report(context, results);
  return ok ? exitCodes.ok : exitCodes.failure;
}

export const verify: Command = { help, run };
