// What a command may touch: the package, the three streams, the environment, the clock and Ctrl-C.
// Handed in, so that tests run commands in the same process with a fake engine and a narrow terminal.

import type * as hearth from "hearth";
import { HearthError } from "hearth";
import { type Help, renderHelp } from "./help.js";
import { type Output, printable, wrap } from "./terminal.js";

/** The part of the package `hearth` that commands call. */
export type Hearth = Pick<
  typeof hearth,
  | "createEngine"
  | "inspect"
  | "openTokenizer"
  | "openStore"
  | "resolveModel"
  | "ensureFile"
  | "benchmark"
  | "diagnose"
>;

export type Input = NodeJS.ReadableStream & { isTTY?: boolean };

export interface Context {
  readonly hearth: Hearth;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Seconds, from any start. */
  now(): number;
  /** Calls `handler` at each Ctrl-C until the function returned is called. */
  onInterrupt(handler: () => void): () => void;
}

/** Exit codes, as `hearth --help` documents them. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** The command line itself is wrong: exit code 2 and a pointer to --help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Command {
  readonly help: Help;
  /** Runs with the arguments behind the command's name; the value is the exit code. */
  run(args: readonly string[], context: Context): Promise<number>;
}

/** "hearth: <sentence> (code, subject)", on one line and without control characters. */
export function describeError(error: unknown): string {
  if (error instanceof UsageError) return `hearth: ${printable(error.message)}`;
  const failure = HearthError.from(error);
  if (failure.code === "aborted") return "hearth: Stopped. (aborted)";
  const about = [failure.code, failure.subject].filter((part) => part !== "").join(", ");
  return `hearth: ${printable(failure.message)} (${printable(about)})`;
}

/** A sentence on standard error: wrapped for a person, one line for a log. */
export function writeNote({ stderr }: Context, text: string): void {
  const lines = stderr.isTTY ? wrap(text, stderr.columns) : [text];
  if (text !== "") stderr.write(`${lines.join("\n")}\n`);
}

/** One JSON value on one line of standard output: what --json promises. */
export function writeJson(context: Context, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value)}\n`);
}

export function writeHelp(context: Context, help: Help): number {
  context.stdout.write(renderHelp(help, context.stdout.columns));
  return exitCodes.ok;
}

/** Everything that comes in on standard input; throws `invalid_utf8` when it is no UTF-8. */
export async function readAll(input: Input): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new HearthError("invalid_utf8", undefined, { subject: "standard input", cause });
  }
}
