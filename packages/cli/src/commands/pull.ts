// `hearth pull`: models into the store, and what is in it.

import type { FileSource, Store } from "hearth";
import { HearthError } from "hearth";
import {
  type Command,
  type Context,
  exitCodes,
  UsageError,
  writeHelp,
  writeJson,
  writeNote,
} from "../context.js";
import { interruptible } from "../engine.js";
import { commonHelp, type Help } from "../help.js";
import { commonOptions, defined, device, parse } from "../options.js";
import { formatBytes, formatSeconds, ProgressBar, printable, table } from "../terminal.js";

const help: Help = {
  usage: "hearth pull MODEL | --list | --remove MODEL",
  summary: "download a model, or manage those that are there",
  description: [
    "Downloads MODEL into the store, where every other command finds it: a name from the catalogue, hf:organization/name or an address. A download that was cut off is continued, and one that is there is left alone.",
  ],
  options: [
    ["--path", "print where the files lie, downloading them first if need be"],
    ["--list", "list what is in the store"],
    ["--remove", "delete MODEL, or one file by its name in the list"],
    ...commonHelp,
  ],
  examples: [
    ["hearth pull smollm2-135m-instruct", "get a model"],
    ["hearth pull --list", "see what is there"],
    ["hearth pull --remove smollm2-135m-instruct", "make room again"],
  ],
};

async function list(context: Context, store: Store, json: boolean): Promise<number> {
  const entries = await store.list();
  const usage = await store.usage();
  if (json) {
    writeJson(context, { files: entries, ...usage });
    return exitCodes.ok;
  }
  const rows = entries.map(({ key, size, complete }) => [
    printable(key),
    formatBytes(size),
    complete ? "" : "unfinished",
  ]);
  const columns = [{ title: "file" }, { title: "size", right: true }, { title: "" }];
  if (rows.length > 0) context.stdout.write(table(columns, rows, context.stdout.columns));
  const free = usage.available === undefined ? "" : `, ${formatBytes(usage.available)} free`;
  writeNote(context, `${formatBytes(usage.bytes)} in the store${free}`);
  return exitCodes.ok;
}

function sourcesOf(files: Awaited<ReturnType<Context["hearth"]["resolveModel"]>>): FileSource[] {
  const { weights, config, tokenizer, tokenizerConfig, chatTemplate } = files;
  return [...weights, config, tokenizer, tokenizerConfig, chatTemplate].filter(
    (source) => source !== undefined,
  );
}

async function remove(
  context: Context,
  store: Store,
  model: string,
  json: boolean,
): Promise<number> {
  // A file's own name in the list comes first: it needs no network to be looked up.
  const listed = (await store.list()).some(({ key }) => key === model);
  const keys = listed
    ? [model]
    : sourcesOf(await context.hearth.resolveModel(model, { store }))
        .filter((source) => source.path === undefined && source.blob === undefined)
        .map(({ key }) => key);
  const removed: string[] = [];
  for (const key of keys) if (await store.remove(key)) removed.push(key);
  if (json) writeJson(context, { removed });
  else if (removed.length === 0) context.stderr.write("Nothing of it is in the store.\n");
  else context.stderr.write(removed.map((key) => `Removed ${printable(key)}\n`).join(""));
  return exitCodes.ok;
}

interface Pulled {
  key: string;
  name: string;
  size: number;
  path: string;
  origin: "store" | "network" | "file";
  downloadedBytes: number;
}

async function download(
  context: Context,
  store: Store,
  model: string,
  signal: AbortSignal,
): Promise<Pulled[]> {
  // Asked again although it may be here: this is the command that brings a newer revision.
  const found = await context.hearth.resolveModel(model, { signal, store, refresh: true });
  const sources = sourcesOf(found);
  const pulled: Pulled[] = [];
  for (const source of sources) {
    const bar = new ProgressBar(context.stderr, printable(source.name), context.now);
    try {
      const { file, origin, downloadedBytes } = await context.hearth.ensureFile(store, source, {
        signal,
        onProgress: ({ loaded, total }) => bar.update(loaded, total),
      });
      const { size, path = source.path ?? "" } = file;
      file.close();
      pulled.push({ key: source.key, name: source.name, size, path, origin, downloadedBytes });
    } finally {
      bar.finish();
    }
  }
  return pulled;
}

function describe(model: string, files: readonly Pulled[], seconds: number): string {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const downloaded = files.reduce((sum, file) => sum + file.downloadedBytes, 0);
  const name = printable(model);
  if (files.every(({ origin }) => origin === "file")) return `${name} is a file already`;
  if (files.every(({ origin }) => origin !== "network")) {
    return `${name} is already there (${formatBytes(total)})`;
  }
  const rest = downloaded < total ? ` of ${formatBytes(total)}` : "";
  return `${name}: ${formatBytes(downloaded)}${rest} downloaded in ${formatSeconds(seconds)}`;
}

async function run(args: readonly string[], context: Context): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      ...commonOptions,
      list: { type: "boolean" },
      remove: { type: "boolean" },
      path: { type: "boolean" },
    },
    1,
  );
  if (values.help) return writeHelp(context, help);
  // The store is the same for every device: the option is checked and has no effect.
  device(values.device);
  const json = values.json ?? false;
  const [model] = positionals;
  if (values.list && (model !== undefined || values.remove || values.path)) {
    throw new UsageError("--list stands alone.");
  }
  if (values.remove && values.path) throw new UsageError("--remove and --path exclude each other.");
  if (!values.list && model === undefined) throw new UsageError("Name a model.");

  const store = await context.hearth.openStore(defined({ cacheDir: values["cache-dir"] }));
  if (model === undefined) return list(context, store, json);
  if (values.remove) return remove(context, store, model, json);

  const start = context.now();
  const files = await interruptible(context, (signal) => download(context, store, model, signal));
  if (json) {
    writeJson(context, { model, files });
  } else {
    writeNote(context, describe(model, files, context.now() - start));
  }
  if (values.path) {
    const homeless = files.find(({ path }) => path === "");
    if (homeless) {
      throw new HearthError("storage_failed", "The store does not say where the file lies.", {
        subject: homeless.key,
      });
    }
    if (!json) context.stdout.write(files.map(({ path }) => `${path}\n`).join(""));
  }
  return exitCodes.ok;
}

export const pull: Command = { help, run };
