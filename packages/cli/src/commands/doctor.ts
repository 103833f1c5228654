// `hearth doctor`: what this device can do, and whether its GPU computes what the CPU does.

import type { AdapterReport, DiagnoseProgress, Diagnosis, KernelReport } from "hearth";
import { type Command, type Context, exitCodes, writeHelp, writeJson } from "../context.js";
import { interruptible } from "../engine.js";
import type { Help } from "../help.js";
import { parse } from "../options.js";
import { formatBytes, formatCount, pairs, printable, table, wrap } from "../terminal.js";

const help: Help = {
  usage: "hearth doctor [options]",
  summary: "show what the GPU can do, and check its kernels",
  description: [
    "Shows the graphics card, its features and limits and what WebAssembly can do here. Then holds every kernel that the card allows against the CPU, and times those for matrices on a card that is none in software. Exits with 1 when a kernel is wrong.",
    "What is found out is remembered, and an engine does without the kernels that are wrong.",
  ],
  options: [
    ["--forget", "forget first what was found out about GPUs before"],
    ["--cache-dir DIR", "where that is kept (default: the user's cache folder)"],
    ["--json", "one JSON object on standard output"],
    ["-h, --help", "this text"],
  ],
  examples: [["hearth doctor", "check this device"]],
};

type Pair = readonly [string, string];

const yes = (is: boolean) => (is ? "yes" : "no");

function wasmPairs({ wasm, storage }: Diagnosis): Pair[] {
  const left = storage.available === undefined ? "" : `, ${formatBytes(storage.available)} left`;
  return [
    ["wasm SIMD", yes(wasm.simd)],
    ["wasm relaxed SIMD", yes(wasm.relaxedSimd)],
    ["wasm threads", yes(wasm.threads)],
    ["wasm memory", wasm.memoryBytes === 0 ? "none" : `up to ${formatBytes(wasm.memoryBytes)}`],
    ["store", `${storage.kind}, ${formatBytes(storage.bytes)} in use${left}`],
  ];
}

/** Limits under names that fit a line; those in bytes as sizes. */
const limitNames: Record<string, string> = {
  maxBufferSize: "largest buffer",
  maxStorageBufferBindingSize: "largest binding",
  maxStorageBuffersPerShaderStage: "bindings a kernel",
  maxComputeInvocationsPerWorkgroup: "invocations",
  maxComputeWorkgroupStorageSize: "workgroup memory",
};

function adapterPairs(adapter: AdapterReport): Pair[] {
  const { vendor, architecture, device, description, software, has, limits, matrices } = adapter;
  const facts: Pair[] = [
    ["GPU", printable(description)],
    ["vendor", printable(vendor)],
    ["architecture", printable(architecture)],
    ["device", printable(device)],
    ["in software", yes(software)],
    ...Object.entries(has).map(([name, there]): Pair => [name, yes(there)]),
    ["dot8", yes(adapter.features.includes("dot8"))],
  ];
  for (const [name, label] of Object.entries(limitNames)) {
    const limit = limits[name];
    if (limit === undefined) continue;
    facts.push([label, /Size$/.test(name) ? formatBytes(limit) : formatCount(limit)]);
  }
  const { subgroupMin, subgroupMax } = adapter;
  if (subgroupMax > 0) {
    const range =
      subgroupMin === subgroupMax ? `${subgroupMax}` : `${subgroupMin} to ${subgroupMax}`;
    facts.push(["subgroups of", range]);
  }
  const shapes = matrices.map(
    ({ component, result, m, n, k }) => `${component} to ${result} ${m}×${n}×${k}`,
  );
  if (shapes.length > 0) facts.push(["matrices", shapes.join(", ")]);
  return facts.filter(([, value]) => value !== "");
}

function speedOf({ bytesPerSecond, flops }: KernelReport): string {
  if (bytesPerSecond !== undefined) return `${(bytesPerSecond / 1e9).toFixed(0)} GB/s`;
  return flops === undefined ? "" : `${(flops / 1e12).toFixed(1)} TFLOP/s`;
}

function kernelTable(kernels: readonly KernelReport[], width: number): string {
  const timed = kernels.some((kernel) => speedOf(kernel) !== "");
  const figure = (value: number) => (value === 0 ? "0" : value.toExponential(1));
  // A narrow terminal needs its columns for the names, which differ in their ends.
  const narrow = width < 60;
  const columns = [
    { title: "kernel", flexible: true },
    { title: "" },
    { title: "error", right: true },
    ...(narrow ? [] : [{ title: "of", right: true }]),
    ...(timed ? [{ title: "speed", right: true }] : []),
  ];
  const rows = kernels.map((kernel) => {
    const { name, ok, error, tolerance, failure } = kernel;
    const compared = failure === undefined;
    return [
      name,
      ok ? "ok" : "WRONG",
      compared ? figure(error) : "",
      ...(narrow ? [] : [compared ? figure(tolerance) : ""]),
      ...(timed ? [speedOf(kernel)] : []),
    ];
  });
  return table(columns, rows, width);
}

function report(context: Context, diagnosis: Diagnosis): void {
  const { version, adapter, reason, kernels, bandwidth } = diagnosis;
  const width = context.stdout.columns;
  const write = (text: string) => context.stdout.write(text);
  const sentence = (text: string) => write(`${wrap(text, width).join("\n")}\n`);
  write(`Hearth ${version}\n\n${pairs(wasmPairs(diagnosis), width)}\n`);
  if (!adapter) {
    sentence(`${reason ?? "There is no GPU."} Models run on the CPU.`);
    return;
  }
  const speed: Pair[] =
    bandwidth === undefined ? [] : [["bandwidth", `${formatBytes(bandwidth)}/s, reading`]];
  write(`${pairs([...adapterPairs(adapter), ...speed], width)}\n`);
  if (kernels.length === 0) return;
  write(`${kernelTable(kernels, width)}\n`);
  const wrong = kernels.filter(({ ok }) => !ok);
  for (const { name, failure } of wrong) {
    if (failure !== undefined) sentence(`${name}: ${printable(failure)}`);
  }
  sentence(
    wrong.length === 0
      ? `All ${kernels.length} kernels compute what the CPU does.`
      : `${wrong.length} of ${kernels.length} kernels are wrong here, and are done without.`,
  );
}

/** "checking 12/70: matvec.q4.subgroups", cut where the terminal ends. */
function progressLine({ phase, kernel, done, total }: DiagnoseProgress, width: number): string {
  const line = phase === "time" ? "timing kernels" : `checking ${done + 1}/${total}: ${kernel}`;
  return line.slice(0, width - 1);
}

async function run(args: readonly string[], context: Context): Promise<number> {
  const { values } = parse(
    args,
    {
      forget: { type: "boolean" },
      "cache-dir": { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
    0,
  );
  if (values.help) return writeHelp(context, help);
  const { stderr } = context;
  const cacheDir = values["cache-dir"];
  const onProgress = (progress: DiagnoseProgress) => {
    if (stderr.isTTY) stderr.write(`\r${progressLine(progress, stderr.columns)}\x1b[K`);
  };
  let diagnosis: Diagnosis;
  try {
    diagnosis = await interruptible(context, (signal) =>
      context.hearth.diagnose({
        forget: values.forget ?? false,
        ...(cacheDir === undefined ? {} : { cacheDir }),
        signal,
        onProgress,
      }),
    );
  } finally {
    if (stderr.isTTY) stderr.write("\r\x1b[K");
  }
  if (values.json) writeJson(context, diagnosis);
  else report(context, diagnosis);
  return diagnosis.kernels.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failure;
}

export const doctor: Command = { help, run };
