// Options that commands share, and the checking of values. A wrong one is a UsageError that names it.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./context.js";

export const commonOptions = {
  device: { type: "string" },
  "cache-dir": { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export const engineOptions = {
  threads: { type: "string" },
  context: { type: "string" },
  exact: { type: "boolean" },
  "gpu-features": { type: "string" },
} as const;

const devices = ["auto", "native", "wasm", "webgpu"] as const;
export type Device = (typeof devices)[number];

type Options = NonNullable<ParseArgsConfig["options"]>;

type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true; strict: true; args: string[] }>
>;

/** Parses `args`; what is unknown or misplaced, or a positional too many, is a UsageError. */
export function parse<const T extends Options>(
  args: readonly string[],
  options: T,
  mostPositionals: number,
): Parsed<T> {
  let parsed: Parsed<T>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's sentences go on with advice on "--" that helps nobody with an option misspelt.
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.replace(/\. To specify a positional.*$/s, "."));
  }
  const extra = parsed.positionals[mostPositionals];
  if (extra !== undefined) throw new UsageError(`Unexpected argument "${extra}".`);
  return parsed;
}

/** A whole number of at least `least`; undefined when the option was not given. */
export function whole(name: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`--${name} takes a whole number of at least ${least}, not "${text}".`);
  }
  return value;
}

/** A number within [least, most]; undefined when the option was not given. */
export function decimal(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least || value > most) {
    const range = Number.isFinite(most) ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new UsageError(`--${name} takes a number ${range}, not "${text}".`);
  }
  return value;
}

/** Whole numbers with commas between: "128,512". */
export function wholes(
  name: string,
  text: string | undefined,
  otherwise: number[],
  least = 1,
): number[] {
  if (text === undefined) return otherwise;
  return text.split(",").map((part) => whole(name, part.trim(), least) as number);
}

export function device(text: string | undefined): Device {
  if (text === undefined) return "auto";
  const found = devices.find((name) => name === text);
  if (found === undefined) {
    throw new UsageError(`--device takes ${devices.join(", ")}, not "${text}".`);
  }
  return found;
}

/** Names with commas between, "none" for no name at all; undefined when the option was not given. */
export function names(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  if (text === "none") return [];
  return text.split(",").map((part) => part.trim());
}

/** `value` without the members that are undefined, which exactOptionalPropertyTypes tells apart. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
