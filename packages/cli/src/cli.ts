// Finds the command, runs it, and turns what it throws into a sentence and an exit code.

import { HearthError } from "hearth";
import packageJson from "../package.json" with { type: "json" };
import { bench } from "./commands/bench.js";
import { doctor } from "./commands/doctor.js";
import { inspectCommand } from "./commands/inspect.js";
import { pull } from "./commands/pull.js";
import { run } from "./commands/run.js";
import { tokenize } from "./commands/tokenize.js";
import { verify } from "./commands/verify.js";
import {
  type Command,
  type Context,
  describeError,
  exitCodes,
  UsageError,
  writeJson,
  writeNote,
} from "./context.js";
import { pairs, printable, wrap } from "./terminal.js";

const commands: Readonly<Record<string, Command>> = {
  run,
  bench,
  tokenize,
  inspect: inspectCommand,
  pull,
  verify,
  doctor,
};

function overview(columns: number): string {
  const width = Math.min(columns, 100);
  const indent = (text: string) => text.replace(/^(?=.)/gm, "  ");
  const list = (entries: [string, string][]) => indent(pairs(entries, width - 2));
  return [
    "Usage: hearth COMMAND [options]\n",
    `${wrap("Runs language models on this machine, with the engine that runs them in a browser tab.", width).join("\n")}\n`,
    `Commands:\n${list(Object.entries(commands).map(([name, { help }]) => [name, help.summary]))}`,
    `Options:\n${list([
      ["-h, --help", "this text; with a command, its own"],
      ["--version", "the version"],
    ])}`,
    `Exit codes:\n${list([
      ["0", "it worked"],
      ["1", "it failed; the reason is on standard error"],
      ["2", "the command line is wrong"],
      ["130", "stopped with Ctrl-C"],
    ])}`,
    `Environment:\n${list([["HEARTH_DEBUG=1", "print where an error was thrown"]])}`,
    'Example:\n  hearth run smollm2-135m-instruct "Hi!"\n',
  ].join("\n");
}

function report(error: unknown, wantsJson: boolean, context: Context): number {
  writeNote(context, describeError(error));
  if (context.env.HEARTH_DEBUG === "1" && error instanceof Error) {
    context.stderr.write(`${error.stack}\n`);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
      context.stderr.write(`caused by ${cause.stack}\n`);
    }
  }
  if (error instanceof UsageError) return exitCodes.usage;
  const failure = HearthError.from(error);
  // Whoever reads standard output by program gets one object, failed or not.
  if (wantsJson) writeJson(context, { error: failure });
  return failure.code === "aborted" ? exitCodes.interrupted : exitCodes.failure;
}

/** Runs a command line, without "node" and the script; the value is the exit code. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    const wanted = rest[0] === undefined ? undefined : commands[rest[0]];
    if (wanted !== undefined) return wanted.run(["--help"], context);
    const output = name === undefined ? context.stderr : context.stdout;
    output.write(overview(output.columns));
    return name === undefined ? exitCodes.usage : exitCodes.ok;
  }
  if (name === "--version" || name === "-v") {
    context.stdout.write(`${packageJson.version}\n`);
    return exitCodes.ok;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const kind = name.startsWith("-") ? "option" : "command";
    context.stderr.write(`hearth: There is no ${kind} "${printable(name)}".\nSee hearth --help.\n`);
    return exitCodes.usage;
  }
  try {
    return await command.run(rest, context);
  } catch (error) {
    const end = rest.indexOf("--");
    const wantsJson = (end < 0 ? rest : rest.slice(0, end)).includes("--json");
    const code = report(error, wantsJson, context);
    if (code === exitCodes.usage) context.stderr.write(`See hearth ${name} --help.\n`);
    return code;
  }
}
