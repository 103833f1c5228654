// `hearth inspect`: what a model's files say, and what running it would take. Reads headers only.

import {
  type Command,
  type Context,
  exitCodes,
  UsageError,
  writeHelp,
  writeJson,
} from "../context.js";
import { engineOptionsOf, withProgress } from "../engine.js";
import { commonHelp, type Help } from "../help.js";
import { commonOptions, parse } from "../options.js";
import {
  formatBytes,
  formatCount,
  formatParameters,
  pairs,
  printable,
  table,
} from "../terminal.js";

const help: Help = {
  usage: "hearth inspect MODEL [options]",
  summary: "show what a model is and what it needs",
  description: [
    "Prints the family, size, formats, licence and memory needs of MODEL: a name from the catalogue, hf:organization/name, a file, a folder or an address. Only the headers are read; weights that are elsewhere are not downloaded.",
  ],
  options: [
    ["--tensors", "list each tensor: type, shape and size"],
    ["--metadata", "list the files' metadata"],
    ...commonHelp,
  ],
  examples: [
    ["hearth inspect smollm2-135m-instruct", "a model's facts"],
    ["hearth inspect hf:org/name:Q4_K_M", "one on Hugging Face, before it is downloaded"],
    ["hearth inspect model.gguf --tensors", "a file's tensors"],
  ],
};

type Inspection = Awaited<ReturnType<Context["hearth"]["inspect"]>>;

function facts(inspection: Inspection): [string, string][] {
  const { name, license, model, totalBytes, missingBytes, files } = inspection;
  const memory = model.weightBytes + model.activationBytes + model.kvBytes;
  const context =
    model.contextLength === model.trainedContext
      ? `${formatCount(model.trainedContext)} tokens`
      : `${formatCount(model.trainedContext)} tokens, ${formatCount(model.contextLength)} used`;
  const heads =
    model.kvHeads === model.heads
      ? `${model.heads}`
      : `${model.heads}, ${model.kvHeads} for keys and values`;
  return [
    ["name", printable(model.name || name)],
    ["family", printable(model.architecture)],
    ["licence", printable(license) || "(not stated)"],
    ["parameters", `${formatParameters(model.parameters)} (${formatCount(model.parameters)})`],
    ["layers", `${model.layers} of width ${model.hiddenSize}`],
    ["heads", `${heads}, of width ${model.headSize}`],
    ["vocabulary", formatCount(model.vocabSize)],
    ["context", context],
    [
      "formats",
      model.dtypes
        .map(({ dtype, tensors, bytes }) => `${dtype}: ${tensors} in ${formatBytes(bytes)}`)
        .join("; "),
    ],
    ...(model.quantization
      ? [["quantization", printable(model.quantization)] satisfies [string, string]]
      : []),
    [
      "memory",
      `${formatBytes(memory)}: weights ${formatBytes(model.weightBytes)}, keys and values ${formatBytes(model.kvBytes)}, working space ${formatBytes(model.activationBytes)}`,
    ],
    [
      "download",
      missingBytes === 0
        ? `none, its ${formatBytes(totalBytes)} are here`
        : missingBytes === totalBytes
          ? formatBytes(missingBytes)
          : `${formatBytes(missingBytes)} of ${formatBytes(totalBytes)}`,
    ],
    ...files.map(({ name, size, format }): [string, string] => [
      "file",
      `${printable(name)} (${format}, ${formatBytes(size)})`,
    ]),
  ];
}

/** Memory by context, a column for each device. */
function memoryTable({ memory }: Inspection, width: number): string {
  const contexts = [...new Set(memory.map(({ contextLength }) => contextLength))];
  const devices = [
    { device: "wasm", title: "CPU (WebAssembly)" },
    { device: "webgpu", title: "GPU (WebGPU)" },
  ];
  const rows = contexts.map((length) => [
    formatCount(length),
    ...devices.map(({ device }) => {
      const need = memory.find((one) => one.device === device && one.contextLength === length);
      return need === undefined ? "–" : formatBytes(need.bytes);
    }),
  ]);
  const columns = [{ title: "context" }, ...devices].map(({ title }) => ({ title, right: true }));
  return `\nMemory by context and device\n${table(columns, rows, width)}`;
}

function report(
  context: Context,
  inspection: Inspection,
  options: { tensors: boolean; metadata: boolean },
): void {
  const width = context.stdout.columns;
  context.stdout.write(pairs(facts(inspection), width));
  context.stdout.write(memoryTable(inspection, width));
  for (const file of inspection.files) {
    const title = inspection.files.length > 1 ? ` of ${printable(file.name)}` : "";
    if (options.metadata) {
      const rows = file.metadata.map(({ key, type, value }) => [key, type, value].map(printable));
      const columns = [{ title: "key" }, { title: "type" }, { title: "value", flexible: true }];
      context.stdout.write(`\nMetadata${title}\n${table(columns, rows, width)}`);
    }
    if (options.tensors) {
      const rows = file.tensors.map(({ name, dtype, shape, bytes }) => [
        printable(name),
        dtype,
        shape.join("×"),
        formatBytes(bytes),
      ]);
      const columns = [
        { title: "tensor" },
        { title: "type" },
        { title: "shape", right: true },
        { title: "size", right: true },
      ];
      context.stdout.write(`\nTensors${title}\n${table(columns, rows, width)}`);
    }
  }
}

async function run(args: readonly string[], context: Context): Promise<number> {
  const { values, positionals } = parse(
    args,
    { ...commonOptions, tensors: { type: "boolean" }, metadata: { type: "boolean" } },
    1,
  );
  if (values.help) return writeHelp(context, help);
  const [name] = positionals;
  if (name === undefined) throw new UsageError("Name a model.");
  const options = engineOptionsOf(values);
  const inspection = await withProgress(context, name, (progress) =>
    context.hearth.inspect(name, { ...options, ...progress }),
  );
  if (values.json) {
    // Whole directories of tensors only where asked for: they are a hundred times the rest.
    const files = inspection.files.map(({ metadata, tensors, ...file }) => ({
      ...file,
      ...(values.metadata ? { metadata } : {}),
      ...(values.tensors ? { tensors } : {}),
    }));
    writeJson(context, { ...inspection, files });
  } else {
    report(context, inspection, {
      tensors: values.tensors ?? false,
      metadata: values.metadata ?? false,
    });
  }
  return exitCodes.ok;
}

export const inspectCommand: Command = { help, run };
