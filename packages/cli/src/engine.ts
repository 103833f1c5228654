// Opens an engine for a command: the bar, Ctrl-C while it loads, and the line of facts afterwards.

import type { Engine, EngineInfo, EngineOptions, Progress } from "hearth";
import type { Context } from "./context.js";
import { exitCodes } from "./context.js";
import { defined, device, names, whole } from "./options.js";
import { formatBytes, formatSeconds, ProgressBar, printable } from "./terminal.js";

/** Values of the options in `commonOptions` and `engineOptions`, as parsed. */
export interface EngineValues {
  device?: string | undefined;
  "cache-dir"?: string | undefined;
  threads?: string | undefined;
  context?: string | undefined;
  exact?: boolean | undefined;
  "gpu-features"?: string | undefined;
}

/** The engine's options that the command line gave. Checks them before anything is loaded. */
export function engineOptionsOf(values: EngineValues): Partial<EngineOptions> {
  const features = names(values["gpu-features"]);
  return defined({
    device: device(values.device),
    threads: whole("threads", values.threads, 1),
    contextLength: whole("context", values.context, 1),
    cacheDir: values["cache-dir"],
    exact: values.exact,
    gpu: features && { features },
  }) as Partial<EngineOptions>;
}

/**
 * Runs `work` with a signal that the first Ctrl-C fires; a second one leaves at once, for work that
 * does not listen.
 */
export async function interruptible<T>(
  context: Context,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const off = context.onInterrupt(() => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  });
  try {
    return await work(controller.signal);
  } finally {
    off();
  }
}

/**
 * Runs `open` with a bar on standard error for what it downloads, and in a terminal for what it reads
 * into memory. Ctrl-C fires the signal.
 */
export async function withProgress<T>(
  context: Context,
  model: string,
  open: (options: { signal: AbortSignal; onProgress: (progress: Progress) => void }) => Promise<T>,
): Promise<T> {
  const label = printable(model);
  let bar: ProgressBar | undefined;
  let phase: Progress["phase"] | undefined;
  const onProgress = (progress: Progress) => {
    if (progress.phase !== phase) {
      bar?.finish();
      phase = progress.phase;
      const loads = phase === "load" && context.stderr.isTTY;
      const title = loads ? `loading ${label}` : label;
      const shown = loads || phase === "download";
      bar = shown ? new ProgressBar(context.stderr, title, context.now) : undefined;
    }
    bar?.update(progress.loaded, progress.total);
  };
  try {
    return await interruptible(context, (signal) => open({ signal, onProgress }));
  } finally {
    bar?.finish();
  }
}

/** Opens `model`, with a bar. Ctrl-C throws `aborted`. */
export function openEngine(
  context: Context,
  model: string,
  options: Partial<EngineOptions>,
): Promise<Engine> {
  return withProgress(context, model, (progress) =>
    context.hearth.createEngine({ ...options, ...progress, model }),
  );
}

const sources: Record<string, string> = {
  store: "the store, nothing downloaded",
  file: "a file",
};

/**
 * "wasm (relaxed-mt, 2 threads), loaded in 0.42 s from the store, nothing downloaded", or with a GPU
 * "webgpu (its name)"; and why there is none, where one was looked for.
 */
export function describeEngine(info: EngineInfo): string {
  const threads = `${info.threads} ${info.threads === 1 ? "thread" : "threads"}`;
  const build = info.variant === info.device ? threads : `${info.variant}, ${threads}`;
  const how = info.adapter?.description ?? build;
  const source =
    info.source === "network"
      ? `the network, ${formatBytes(info.downloadedBytes)} downloaded`
      : (sources[info.source] ?? info.source);
  const why = info.reason === undefined ? "" : `; no GPU: ${info.reason}`;
  return `${info.device} (${how}), loaded in ${formatSeconds(info.loadSeconds)} from ${source}${why}`;
}
