// Opens an engine for a command: the bar, Ctrl-C while it loads, and the line of facts afterwards.

import type { Engine, EngineInfo, EngineOptions } from "hearth";
import type { Context } from "./context.js";
import { exitCodes } from "./context.js";
import { defined, device, whole } from "./options.js";
import { formatBytes, formatSeconds, ProgressBar, printable } from "./terminal.js";

/** Values of the options in `commonOptions` and `engineOptions`, as parsed. */
export interface EngineValues {
  device?: string | undefined;
  "cache-dir"?: string | undefined;
  threads?: string | undefined;
  context?: string | undefined;
  exact?: boolean | undefined;
}

/** The engine's options that the command line gave. Checks them before anything is loaded. */
export function engineOptionsOf(values: EngineValues): Partial<EngineOptions> {
  return defined({
    device: device(values.device),
    threads: whole("threads", values.threads, 1),
    contextLength: whole("context", values.context, 1),
    cacheDir: values["cache-dir"],
    exact: values.exact,
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

/** Opens `model`, with a bar on standard error while it downloads. Ctrl-C throws `aborted`. */
export async function openEngine(
  context: Context,
  model: string,
  options: Partial<EngineOptions>,
): Promise<Engine> {
  const bar = new ProgressBar(context.stderr, printable(model), context.now);
  try {
    return await interruptible(context, (signal) =>
      context.hearth.createEngine({
        ...options,
        model,
        signal,
        onProgress: (progress) => {
          if (progress.phase === "download") bar.update(progress.loaded, progress.total);
        },
      }),
    );
  } finally {
    bar.finish();
  }
}

const sources: Record<string, string> = {
  store: "the store, nothing downloaded",
  file: "a file",
};

/** "wasm (relaxed-mt, 2 threads), loaded in 0.42 s from the store, nothing downloaded" */
export function describeEngine(info: EngineInfo): string {
  const threads = `${info.threads} ${info.threads === 1 ? "thread" : "threads"}`;
  const variant = info.variant === info.device ? "" : `${info.variant}, `;
  const source =
    info.source === "network"
      ? `the network, ${formatBytes(info.downloadedBytes)} downloaded`
      : (sources[info.source] ?? info.source);
  return `${info.device} (${variant}${threads}), loaded in ${formatSeconds(info.loadSeconds)} from ${source}`;
}
