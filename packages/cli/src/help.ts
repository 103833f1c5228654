// Help texts as data, so that they fit the terminal they are shown in.

import { pairs, wrap } from "./terminal.js";

export interface Help {
  /** "hearth run [MODEL] [PROMPT]" */
  usage: string;
  /** One line, for the list of commands. */
  summary: string;
  /** Paragraphs. */
  description: readonly string[];
  options: readonly (readonly [string, string])[];
  /** Command lines with what they do. */
  examples: readonly (readonly [string, string])[];
}

// Lines longer than this are hard to read, however wide the terminal is.
const mostColumns = 100;

/** Options that every command takes. */
export const commonHelp: readonly (readonly [string, string])[] = [
  ["--device NAME", "auto, native, wasm or webgpu (default: auto)"],
  ["--cache-dir DIR", "where models are kept (default: the user's cache folder)"],
  ["--json", "one JSON object on standard output"],
  ["-h, --help", "this text"],
];

/** Options of the commands that load a model. */
export const engineHelp: readonly (readonly [string, string])[] = [
  ["--threads N", "threads to compute on (default: what the machine has)"],
  ["--context N", "tokens the context holds (default: the model's, at most 4096)"],
  ["--exact", "float kernels only, never 8-bit activations"],
  ["--gpu-features LIST", "optional features of the GPU to use, such as subgroups,dot8; or none"],
];

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

export function renderHelp(help: Help, columns: number): string {
  const width = Math.min(columns, mostColumns);
  const paragraph = (text: string) => `${wrap(text, width).join("\n")}\n`;
  const parts = [paragraph(`Usage: ${help.usage}`), ...help.description.map(paragraph)];
  parts.push(`Options:\n${indent(pairs(help.options, width - 2))}`);
  const examples = help.examples.map(
    ([line, what]) => `${wrap(what, width - 2).join("\n")}:\n  ${line}\n`,
  );
  parts.push(`Examples:\n${indent(examples.join(""))}`);
  return parts.join("\n");
}
