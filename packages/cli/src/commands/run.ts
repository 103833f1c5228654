// `hearth run`: one answer, or a chat.

import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChatCompletion, type ChatCompletionChunk, type Engine, HearthError } from "hearth";
import {
  type Command,
  type Context,
  describeError,
  exitCodes,
  readAll,
  UsageError,
  writeHelp,
  writeJson,
  writeNote,
} from "../context.js";
import { describeEngine, engineOptionsOf, interruptible, openEngine } from "../engine.js";
import { commonHelp, engineHelp, type Help } from "../help.js";
import { commonOptions, decimal, defined, engineOptions, parse, whole } from "../options.js";
import { formatSeconds, printableText } from "../terminal.js";

export const defaultModel = "smollm2-135m-instruct";

const help: Help = {
  usage: "hearth run [MODEL] [PROMPT] [options]",
  summary: "ask a model, or chat with it",
  description: [
    `Answers PROMPT, or what is piped in; without either it is a chat. MODEL is a name from the catalogue, a file, a folder or an address (default: ${defaultModel}). A single argument with spaces in it is taken as the PROMPT.`,
    "Ctrl-C stops the answer, a second one leaves.",
  ],
  options: [
    ["--system TEXT", "the system message"],
    ["--max-tokens N", "longest answer, in tokens (default: what the context holds)"],
    ["--temperature T", "0 takes the likeliest token always (default: the model's)"],
    ["--top-p P", "keep the likeliest tokens that together reach P"],
    ["--top-k K", "keep the K likeliest tokens"],
    ["--min-p P", "keep tokens at least P times as likely as the likeliest"],
    ["--repetition-penalty X", "more than 1 makes repetition less likely"],
    ["--frequency-penalty X", "from -2 to 2, for each time a token was generated"],
    ["--presence-penalty X", "from -2 to 2, once for each token generated"],
    ["--seed N", "same seed, same settings: same answer"],
    ["--stop TEXT", "text that ends the answer; may be given several times"],
    ["--stats", "print device, load time and speed on standard error"],
    ...engineHelp,
    ...commonHelp,
  ],
  examples: [
    [`hearth run ${defaultModel} "Why is the sky blue?"`, "one answer"],
    ["git diff | hearth run --system 'Write a commit message.' --stats", "a piped prompt"],
    ["hearth run", "a chat"],
  ],
};

const runOptions = {
  ...commonOptions,
  ...engineOptions,
  system: { type: "string" },
  "max-tokens": { type: "string" },
  temperature: { type: "string" },
  "top-p": { type: "string" },
  "top-k": { type: "string" },
  "min-p": { type: "string" },
  "repetition-penalty": { type: "string" },
  "frequency-penalty": { type: "string" },
  "presence-penalty": { type: "string" },
  seed: { type: "string" },
  stop: { type: "string", multiple: true },
  stats: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parse<typeof runOptions>>["values"];

/** The members of a request that the command line sets. */
function samplingOf(values: Values) {
  const unbounded = Number.POSITIVE_INFINITY;
  return defined({
    max_tokens: whole("max-tokens", values["max-tokens"], 1),
    temperature: decimal("temperature", values.temperature, 0, unbounded),
    top_p: decimal("top-p", values["top-p"], 0, 1),
    top_k: whole("top-k", values["top-k"]),
    min_p: decimal("min-p", values["min-p"], 0, 1),
    repetition_penalty: decimal("repetition-penalty", values["repetition-penalty"], 0, unbounded),
    frequency_penalty: decimal("frequency-penalty", values["frequency-penalty"], -2, 2),
    presence_penalty: decimal("presence-penalty", values["presence-penalty"], -2, 2),
    seed: whole("seed", values.seed),
    stop: values.stop,
  });
}

type Sampling = ReturnType<typeof samplingOf>;
interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

interface Answer {
  text: string;
  /** Whether Ctrl-C ended it. */
  stopped: boolean;
  usage: ChatCompletionChunk["usage"];
  timing: ChatCompletionChunk["hearth"];
}

/** Streams the answer to standard output. Aborting `signal` ends it and is no error. */
async function answer(
  engine: Engine,
  messages: readonly Message[],
  sampling: Sampling,
  context: Context,
  signal: AbortSignal,
): Promise<Answer> {
  const result: Answer = { text: "", stopped: false, usage: undefined, timing: undefined };
  // A person's terminal must not obey what a model says; a pipe gets every byte as it is.
  const shown = context.stdout.isTTY ? printableText : (text: string) => text;
  try {
    const stream = await engine.chat.completions.create(
      {
        messages: [...messages],
        stream: true,
        stream_options: { include_usage: true },
        ...sampling,
      },
      { signal },
    );
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content ?? "";
      if (text !== "") {
        result.text += text;
        context.stdout.write(shown(text));
      }
      result.usage = chunk.usage ?? result.usage;
      result.timing = chunk.hearth ?? result.timing;
    }
  } catch (error) {
    if (HearthError.from(error).code !== "aborted") throw error;
  }
  result.stopped = signal.aborted;
  if (!result.text.endsWith("\n")) context.stdout.write("\n");
  return result;
}

/** "first token after 0.31 s, 38 tokens at 21.4 tokens/s" */
function describeAnswer({ usage, timing }: Pick<Answer, "usage" | "timing">): string {
  const parts: string[] = [];
  const first = timing?.prefillSeconds;
  if (first !== undefined) parts.push(`first token after ${formatSeconds(first)}`);
  if (usage) {
    const speed = timing?.tokensPerSecond;
    const rate = speed ? ` at ${speed.toFixed(1)} tokens/s` : "";
    parts.push(`${usage.prompt_tokens} tokens read, ${usage.completion_tokens} written${rate}`);
  }
  return parts.join(", ");
}

async function oneShot(
  engine: Engine,
  messages: readonly Message[],
  sampling: Sampling,
  values: Values,
  context: Context,
): Promise<number> {
  if (values.json) {
    const completion: ChatCompletion = await interruptible(context, (signal) =>
      engine.chat.completions.create({ messages: [...messages], ...sampling }, { signal }),
    );
    if (values.stats)
      writeNote(context, describeAnswer({ usage: completion.usage, timing: completion.hearth }));
    writeJson(context, completion);
    return exitCodes.ok;
  }
  const result = await interruptible(context, (signal) =>
    answer(engine, messages, sampling, context, signal),
  );
  if (values.stats) writeNote(context, describeAnswer(result));
  return result.stopped ? exitCodes.interrupted : exitCodes.ok;
}

// Lines of one paste come in one burst, those of a person seconds apart.
const pasteMilliseconds = 30;

/** A prompt that hands out what is typed; it echoes nothing while an answer is written. */
class Prompt {
  private readonly lines: string[] = [];
  private waiting: (() => void) | undefined;
  private muted = false;
  private closed = false;
  private readonly reader;

  constructor(
    private readonly context: Context,
    onInterrupt: () => void,
  ) {
    const echo = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.muted) context.stdout.write(String(chunk));
        done();
      },
    });
    this.reader = createInterface({
      input: context.stdin,
      output: Object.defineProperty(echo, "columns", { get: () => context.stdout.columns }),
      // Only a real terminal can be put into raw mode.
      terminal: "setRawMode" in context.stdin,
      prompt: "> ",
    });
    this.reader.on("line", (line) => {
      this.lines.push(line);
      this.waiting?.();
    });
    this.reader.on("close", () => {
      this.closed = true;
      this.waiting?.();
    });
    this.reader.on("SIGINT", onInterrupt);
  }

  /** The next message; undefined at the end of input. */
  async next(): Promise<string | undefined> {
    this.muted = false;
    if (this.lines.length === 0 && !this.closed) {
      this.reader.prompt();
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
      this.waiting = undefined;
      await sleep(pasteMilliseconds);
    }
    this.muted = true;
    if (this.lines.length === 0) return undefined;
    return this.lines.splice(0).join("\n");
  }

  /** Throws away what stands on the line and asks again. */
  again(note: string): void {
    this.context.stdout.write(`\n${note}\n`);
    if (this.reader.terminal) {
      this.reader.write(null, { ctrl: true, name: "e" });
      this.reader.write(null, { ctrl: true, name: "u" });
    }
    this.reader.prompt();
  }

  close(): void {
    this.closed = true;
    this.reader.close();
  }
}

async function chat(
  engine: Engine,
  system: readonly Message[],
  sampling: Sampling,
  values: Values,
  context: Context,
): Promise<number> {
  let messages = [...system];
  let running: AbortController | undefined;
  let idleInterrupts = 0;
  const onInterrupt = () => {
    if (running !== undefined && !running.signal.aborted) {
      running.abort();
    } else if (running !== undefined || ++idleInterrupts > 1) {
      prompt.close();
    } else {
      prompt.again("Ctrl-C once more to leave.");
    }
  };
  const prompt = new Prompt(context, onInterrupt);
  const off = context.onInterrupt(onInterrupt);
  writeNote(context, `${engine.info.name} is ready. /clear forgets the chat, /exit leaves.`);
  try {
    for (;;) {
      const line = (await prompt.next())?.trim();
      if (line === undefined || line === "/exit") break;
      idleInterrupts = 0;
      if (line === "") continue;
      if (line === "/clear") {
        messages = [...system];
        continue;
      }
      running = new AbortController();
      const asked: Message[] = [...messages, { role: "user", content: line }];
      try {
        const result = await answer(engine, asked, sampling, context, running.signal);
        // What was said before Ctrl-C stays part of the chat.
        messages = [...asked, { role: "assistant", content: result.text }];
        if (values.stats) writeNote(context, describeAnswer(result));
      } catch (error) {
        // Such as a chat that has outgrown the context: the person may /clear it and go on.
        writeNote(context, describeError(error));
      } finally {
        running = undefined;
      }
    }
  } finally {
    off();
    prompt.close();
  }
  return exitCodes.ok;
}

async function execute(args: readonly string[], context: Context): Promise<number> {
  const { values, positionals } = parse(args, runOptions, 2);
  if (values.help) return writeHelp(context, help);
  const sampling = samplingOf(values);
  const options = engineOptionsOf(values);

  let [model, argument] = positionals;
  // No catalogue name has a space, and a path that has one is told apart by its ending or slash.
  if (
    argument === undefined &&
    model !== undefined &&
    /\s/.test(model) &&
    !/[\\/]|\.gguf$/.test(model)
  ) {
    [model, argument] = [undefined, model];
  }
  const interactive = argument === undefined && context.stdin.isTTY === true;
  if (interactive && values.json) throw new UsageError("--json needs a PROMPT.");
  const text = argument ?? (interactive ? "" : await readAll(context.stdin));
  if (!interactive && text.trim() === "") throw new UsageError("Give a PROMPT, or pipe one in.");

  const system: Message[] =
    values.system === undefined ? [] : [{ role: "system", content: values.system }];
  const engine = await openEngine(context, model ?? defaultModel, options);
  try {
    if (values.stats) writeNote(context, describeEngine(engine.info));
    if (interactive) return await chat(engine, system, sampling, values, context);
    const messages: Message[] = [...system, { role: "user", content: text }];
    return await oneShot(engine, messages, sampling, values, context);
  } finally {
    await engine.close();
  }
}

export const run: Command = { help, run: execute };
