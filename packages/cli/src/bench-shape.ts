// `hearth bench --shape`: how fast a model of a known shape would run on the GPU, nothing downloaded.

import type { BenchmarkProgress, BenchmarkResult, DecodeFigures } from "hearth";
import { type Context, exitCodes, writeJson } from "./context.js";
import { interruptible } from "./engine.js";
import {
  formatBytes,
  formatCount,
  formatSeconds,
  pairs,
  printable,
  table,
  wrap,
} from "./terminal.js";

export interface ShapeOptions {
  shape: string;
  contexts: number[];
  prefill: number;
  tokens: number;
  repeat: number;
  maxBatch: number | undefined;
  software: boolean;
  cacheDir: string | undefined;
  json: boolean;
}

const doing: Record<BenchmarkProgress["phase"], string> = {
  load: "making weights up",
  bandwidth: "measuring bandwidth",
  prefill: "prefill",
  decode: "decode",
  profile: "timing kernels",
};

/** "decode at 4,096: 2/4" */
function progressLine({ phase, context, done, total }: BenchmarkProgress): string {
  const at = context === 0 ? "" : ` at ${formatCount(context)}`;
  if (phase === "load") return `${doing.load}: ${Math.floor((100 * done) / Math.max(1, total))}%`;
  const which = total > 1 ? `: ${done + 1}/${total}` : "";
  return `${doing[phase]}${at}${which}`;
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
/** Milliseconds as seconds are shown. */
const short = (milliseconds: number) => formatSeconds(milliseconds / 1000);

/** Columns of a terminal from which on everything has room. */
const wide = 60;

function speedRows({ prefill, decode }: BenchmarkResult): string[][] {
  const rows = [
    ["prefill", formatCount(prefill.tokens), prefill.tokensPerSecond.toFixed(1), "", ""],
  ];
  for (const { context, tokensPerSecond, bytesPerToken, bandwidthShare } of decode) {
    const speed = tokensPerSecond.toFixed(1);
    const bytes = formatBytes(bytesPerToken);
    rows.push(["decode", formatCount(context), speed, bytes, percent(bandwidthShare)]);
  }
  return rows;
}

function tokenRows(decode: readonly DecodeFigures[]): string[][] {
  return decode.map(({ context, milliseconds: { core, encode, submit, wait } }) => [
    formatCount(context),
    ...[core, encode, submit, wait, core + encode + submit + wait].map(short),
  ]);
}

/** Kernels of all tests in one table: what each takes of a prompt, and of a token at each context. */
function kernelTable({ prefill, decode }: BenchmarkResult, width: number): string {
  const tests = [prefill, ...decode];
  const rows = new Map<string, string[]>();
  for (const [index, { kernels }] of tests.entries()) {
    for (const { node, kernel, share } of kernels) {
      const key = `${node} ${kernel}`;
      const row = rows.get(key) ?? [node, kernel, ...tests.map(() => "")];
      row[index + 2] = percent(share);
      rows.set(key, row);
    }
  }
  if (rows.size === 0) return "";
  const [first] = decode;
  // What is slowest behind the shortest context comes first; what only a prompt takes comes last.
  const rank = (
    test: { kernels: { node: string; kernel: string; seconds: number }[] } | undefined,
  ) => new Map(test?.kernels.map(({ node, kernel, seconds }) => [`${node} ${kernel}`, seconds]));
  const inDecode = rank(first);
  const inPrefill = rank(prefill);
  const sorted = [...rows].sort(
    ([a], [b]) =>
      (inDecode.get(b) ?? 0) - (inDecode.get(a) ?? 0) ||
      (inPrefill.get(b) ?? 0) - (inPrefill.get(a) ?? 0),
  );
  const speeds = new Map(
    first?.kernels.map(({ node, kernel, bytes, seconds }) => [
      `${node} ${kernel}`,
      bytes > 0 && seconds > 0 ? `${(bytes / seconds / 1e9).toFixed(0)}` : "",
    ]),
  );
  const right = (title: string) => ({ title, right: true });
  const shares = [
    right("prefill"),
    ...decode.map((each) => right(`at ${formatCount(each.context)}`)),
  ];
  if (width < wide) {
    // A name that has a line of its own leaves the figures room.
    const short = sorted.map(([, [node, kernel, ...rest]]) => [`${node} ${kernel}`, ...rest]);
    return table([{ title: "kernel" }, ...shares], short, width);
  }
  const flexible = (title: string) => ({ title, flexible: true });
  return table(
    [flexible("of"), flexible("kernel"), ...shares, right("GB/s")],
    sorted.map(([key, row]) => [...row, speeds.get(key) ?? ""]),
    width,
  );
}

function report(context: Context, result: BenchmarkResult): void {
  const width = context.stdout.columns;
  const { shape, adapter, model, bandwidth, weightBytes, refused } = result;
  const write = (text: string) => context.stdout.write(text);
  write(`${wrap(`${shape} on ${printable(adapter.description)}`, width).join("\n")}\n\n`);
  write(
    pairs(
      [
        ["weights", `${formatBytes(weightBytes)} a token, made up`],
        ["bandwidth", `${formatBytes(bandwidth.bytesPerSecond)}/s, reading`],
        [
          "dispatches",
          `${result.dispatchesPerLayer.toFixed(1)} a layer, ${result.dispatches} a token`,
        ],
        ["layers", String(model.layers)],
        ["loading", formatSeconds(result.loadSeconds)],
        ...(refused.length > 0 ? ([["wrong here", refused.join(", ")]] as const) : []),
      ],
      width,
    ),
  );
  write("\n");
  const figures = (titles: string[], rows: string[][], spared: string) => {
    const kept = titles.map((title) => width >= wide || title !== spared);
    const columns = titles.map((title) => ({ title, right: title !== "test" }));
    const some = <T>(list: T[]) => list.filter((_, index) => kept[index]);
    write(`${table(some(columns), rows.map(some), width)}\n`);
  };
  const titles = ["test", "tokens", "tokens/s", "a token", "of memory"];
  figures(titles, speedRows(result), "a token");
  const times = ["context", "core", "encode", "submit", "wait", "token"];
  figures(times, tokenRows(result.decode), "token");
  const kernels = kernelTable(result, width);
  write(`${kernels || "The GPU takes no timestamps, so kernels are not timed.\n"}`);
}

export async function benchShape(options: ShapeOptions, context: Context): Promise<number> {
  const { json, maxBatch, cacheDir, ...asked } = options;
  const { stderr } = context;
  let shown = false;
  const onProgress = (progress: BenchmarkProgress) => {
    if (!stderr.isTTY) return;
    shown = true;
    stderr.write(`\r${progressLine(progress)}\x1b[K`);
  };
  let result: BenchmarkResult;
  try {
    result = await interruptible(context, (signal) =>
      context.hearth.benchmark({
        ...asked,
        ...(maxBatch === undefined ? {} : { maxBatch }),
        ...(cacheDir === undefined ? {} : { cacheDir }),
        signal,
        onProgress,
      }),
    );
  } finally {
    if (shown) stderr.write("\r\x1b[K");
  }
  if (json) writeJson(context, result);
  else report(context, result);
  return exitCodes.ok;
}
