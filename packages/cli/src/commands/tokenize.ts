// `hearth tokenize`: text to token ids and back, without loading weights.

import {
  type Command,
  type Context,
  exitCodes,
  readAll,
  UsageError,
  writeHelp,
  writeJson,
} from "../context.js";
import { withProgress } from "../engine.js";
import { commonHelp, type Help } from "../help.js";
import { commonOptions, defined, device, parse } from "../options.js";
import { printable, table } from "../terminal.js";

const help: Help = {
  usage: "hearth tokenize MODEL [TEXT]",
  summary: "show the tokens of a text",
  description: [
    "Prints the id and the piece of each token of TEXT, or of standard input. The weights are not loaded. A piece that is part of a character shows as \ufffd.",
  ],
  options: [
    ["--ids", "the other way: TEXT is ids, the output is the text they stand for"],
    ["--add-special", "add the tokens that the model expects around a text"],
    ["--offsets", "show where in the text each token comes from, in bytes of its UTF-8"],
    ["--plain", "read <|im_end|> and its like as ordinary text"],
    ...commonHelp,
  ],
  examples: [
    ['hearth tokenize smollm2-135m-instruct "Hello, world"', "the tokens of a text"],
    ['hearth tokenize smollm2-135m-instruct --ids "19556 28 905"', "the text of three ids"],
  ],
};

function parseIds(text: string): number[] {
  const words = text.split(/[\s,[\]]+/).filter((word) => word !== "");
  return words.map((word) => {
    // Ids are u32 where they cross into the core.
    if (!/^\d+$/.test(word) || Number(word) > 0xffffffff) {
      throw new UsageError(`"${word}" is no token id.`);
    }
    return Number(word);
  });
}

async function run(args: readonly string[], context: Context): Promise<number> {
  const { values, positionals } = parse(
    args,
    {
      ...commonOptions,
      ids: { type: "boolean" },
      "add-special": { type: "boolean" },
      offsets: { type: "boolean" },
      plain: { type: "boolean" },
    },
    2,
  );
  if (values.help) return writeHelp(context, help);
  const [model, argument] = positionals;
  if (model === undefined) throw new UsageError("Name a model.");
  const options = defined({ device: device(values.device), cacheDir: values["cache-dir"] });
  if (argument === undefined && context.stdin.isTTY) {
    throw new UsageError("Give a TEXT, or pipe one in.");
  }
  const text = argument ?? (await readAll(context.stdin));
  const given = values.ids ? parseIds(text) : [];

  const tokenizer = await withProgress(context, model, (progress) =>
    context.hearth.openTokenizer(model, { ...options, ...progress }),
  );

  try {
    if (values.ids) {
      const decoded = await tokenizer.detokenize(given);
      if (values.json) writeJson(context, { ids: given, text: decoded });
      else context.stdout.write(decoded.endsWith("\n") ? decoded : `${decoded}\n`);
      return exitCodes.ok;
    }
    const special = {
      addSpecial: values["add-special"] ?? false,
      parseSpecial: !values.plain,
    };
    // Of bytes, offsets are in bytes.
    const encoding = values.offsets
      ? await tokenizer.encode(new TextEncoder().encode(text), special)
      : undefined;
    const ids = encoding?.ids ?? (await tokenizer.tokenize(text, special));
    const offsets = encoding?.offsets;
    const pieces: string[] = [];
    for (const id of ids) pieces.push(await tokenizer.detokenize([id]));
    if (values.json) {
      writeJson(context, { ids, pieces, ...(offsets ? { offsets } : {}) });
      return exitCodes.ok;
    }
    const rows = ids.map((id, i) => [
      String(id),
      ...(offsets?.[i] ?? []).map(String),
      `"${printable(pieces[i] ?? "")}"`,
    ]);
    const columns = [
      { title: "id", right: true },
      ...(offsets ? ["begin", "end"].map((title) => ({ title, right: true })) : []),
      { title: "piece", flexible: true },
    ];
    if (rows.length > 0) context.stdout.write(table(columns, rows, context.stdout.columns));
    context.stderr.write(`${ids.length} ${ids.length === 1 ? "token" : "tokens"}\n`);
    return exitCodes.ok;
  } finally {
    await tokenizer.close();
  }
}

export const tokenize: Command = { help, run };
