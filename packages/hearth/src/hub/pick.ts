// Which files of a folder make up a model, wherever the folder lies: on Hugging Face, on a disk, or
// dropped onto the page. By names alone, but for the index of sharded weights, which is read.

import { HearthError } from "../errors.js";

/** Names of files in their folder. */
export interface Picked {
  weights: string[];
  config?: string;
  tokenizer?: string;
  tokenizerConfig?: string;
  chatTemplate?: string;
}

export interface PickOptions {
  /** The folder as the caller named it, for errors. */
  subject: string;
  /** The one that the caller wants: a file's name, or a quantization such as `Q4_K_M`. */
  wanted?: string | undefined;
  /** The text of a file of the folder. */
  read(name: string): Promise<string>;
}

const kIndex = "model.safetensors.index.json";

// The best known trade of size for quality at 4 bits, and the one that runs fastest.
const kUsualQuantizations = ["Q4_K_M", "Q4_0"];

// The largest models are in some two hundred parts; a name may claim 99,999.
const kMostParts = 1000;

/**
 * Picks the files of a model out of a folder's: `model.safetensors`, or the shards that
 * `model.safetensors.index.json` lists, or one GGUF with all its parts. Of several GGUF files it takes
 * the one that is wanted, else a usual quantization.
 *
 * Throws `not_found` when there is no such file, or a part of it is missing; `invalid_argument` when
 * several would do; `malformed_json` for an index that is none.
 */
export async function pickFiles(names: readonly string[], options: PickOptions): Promise<Picked> {
  const weights = await pickWeights(names, options);
  const [first = ""] = weights;
  const folder = first.slice(0, first.lastIndexOf("/") + 1);
  const picked: Picked = { weights };
  const beside = (name: string) => (names.includes(folder + name) ? folder + name : undefined);
  const config = beside("config.json");
  const tokenizer = beside("tokenizer.json");
  const tokenizerConfig = beside("tokenizer_config.json");
  const chatTemplate = beside("chat_template.jinja");
  // A GGUF says all this itself; what lies beside it may be of another model.
  if (!isGguf(first)) {
    if (config !== undefined) picked.config = config;
    if (tokenizer !== undefined) picked.tokenizer = tokenizer;
    if (tokenizerConfig !== undefined) picked.tokenizerConfig = tokenizerConfig;
    if (chatTemplate !== undefined) picked.chatTemplate = chatTemplate;
  }
  return picked;
}

async function pickWeights(names: readonly string[], options: PickOptions): Promise<string[]> {
  const { subject, wanted, read } = options;
  const whole = (name: string): string[] => partsIn(names, name, subject);
  if (wanted !== undefined) {
    if (!names.includes(wanted)) return pickGguf(names, subject, wanted);
    if (isIndex(wanted)) return shardsIn(names, wanted, await read(wanted), subject);
    if (isModelFile(wanted)) return whole(wanted);
    throw invalid(subject, `${wanted} is not a .gguf or .safetensors file.`);
  }
  const here = names.filter((name) => !name.includes("/"));
  if (here.includes("model.safetensors")) return ["model.safetensors"];
  if (here.includes(kIndex)) return shardsIn(names, kIndex, await read(kIndex), subject);
  const tensors = firsts(here.filter((name) => name.endsWith(".safetensors")));
  const ggufs = here.filter(isGguf);
  const [only] = tensors;
  if (only !== undefined && tensors.length === 1 && ggufs.length === 0) return whole(only);
  if (only === undefined && ggufs.length > 0) return pickGguf(here, subject);
  if (only === undefined) {
    throw missing(subject, `${subject} holds no model.safetensors and no .gguf file.`);
  }
  throw several(subject, [...tensors, ...firsts(ggufs)]);
}

/** The GGUF that is wanted, in all its parts. */
function pickGguf(names: readonly string[], subject: string, wanted?: string): string[] {
  // What comes with a model that sees, and is no model by itself.
  const candidates = firsts(names.filter((name) => isGguf(name) && !/mmproj/i.test(name)));
  const labels = wanted === undefined ? kUsualQuantizations : [wanted];
  for (const label of labels) {
    const found = candidates.filter((name) => hasLabel(name, label));
    const [only] = found;
    if (only !== undefined && found.length === 1) return partsIn(names, only, subject);
    if (only !== undefined) throw several(subject, found);
  }
  const [only] = candidates;
  if (wanted !== undefined || only === undefined) {
    const known = candidates.length === 0 ? "" : ` It has ${candidates.slice(0, 12).join(", ")}.`;
    throw missing(subject, `${subject} has no file ${wanted ?? "of weights"}.${known}`);
  }
  if (candidates.length > 1) throw several(subject, candidates);
  return partsIn(names, only, subject);
}

/** Whether a name has the label as a word of its own, in whatever case: `x-Q4_K_M.gguf`. */
function hasLabel(name: string, label: string): boolean {
  const upper = name.toUpperCase();
  const wanted = label.toUpperCase();
  const isWordPart = (c: string | undefined) => c !== undefined && /[A-Z0-9_]/.test(c);
  for (let at = upper.indexOf(wanted); at >= 0; at = upper.indexOf(wanted, at + 1)) {
    if (!isWordPart(upper[at - 1]) && !isWordPart(upper[at + wanted.length])) return true;
  }
  return false;
}

/** Leaves out all parts but the first of each split file. */
function firsts(names: readonly string[]): string[] {
  return names.filter((name) => (splitName(name)?.part ?? 1) === 1);
}

/** The parts of a split file, or the file alone. Throws `not_found` for one that is not there. */
function partsIn(names: readonly string[], name: string, subject: string): string[] {
  const parts = partNames(name) ?? [name];
  return present(parts, names, subject);
}

function shardsIn(
  names: readonly string[],
  index: string,
  text: string,
  subject: string,
): string[] {
  const folder = index.slice(0, index.lastIndexOf("/") + 1);
  const shards = shardsOf(text, index).map((name) => folder + name);
  return present(shards, names, subject);
}

function present(wanted: string[], names: readonly string[], subject: string): string[] {
  const absent = wanted.find((name) => !names.includes(name));
  if (absent === undefined) return wanted;
  throw missing(absent, `${subject} lacks ${absent}, a part of the model.`);
}

/**
 * The names of the shards in an index of sharded safetensors, sorted. Throws `malformed_json`.
 * Format: https://huggingface.co/docs/safetensors/index, `weight_map` from tensor to file.
 */
export function shardsOf(text: string, index: string): string[] {
  const map = weightMap(text, index);
  const names = [...new Set(Object.values(map))].sort();
  const wrong = names.find((name) => typeof name !== "string" || !isPlainName(name));
  if (wrong !== undefined || names.length === 0) {
    throw malformed(index, `${index} names no .safetensors files of its folder.`);
  }
  return names as string[];
}

function weightMap(text: string, index: string): Record<string, unknown> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (cause) {
    throw malformed(index, `${index} is not JSON.`, cause);
  }
  const map = (root as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map === "object" && map !== null && !Array.isArray(map)) {
    return map as Record<string, unknown>;
  }
  throw malformed(index, `${index} has no weight_map.`);
}

/** Whether an index may name it: a file of the same folder. */
function isPlainName(name: string): boolean {
  return /^[^/\\:?#]+\.safetensors$/.test(name) && !name.startsWith(".");
}

/** `model-00002-of-00005.gguf`, taken apart; undefined for files that are not split. */
export function splitName(
  name: string,
): { stem: string; part: number; parts: number; ending: string } | undefined {
  const found = /^(.*)-(\d{5})-of-(\d{5})(\.(?:gguf|safetensors))$/i.exec(name);
  if (found === null) return undefined;
  const [, stem = "", part, parts, ending = ""] = found;
  return { stem, part: Number(part), parts: Number(parts), ending };
}

/** The names of all parts of a split file, in order; undefined when it is not split. */
export function partNames(name: string): string[] | undefined {
  const split = splitName(name);
  if (split === undefined || split.parts < 1 || split.parts > kMostParts) return undefined;
  const digits = (value: number) => String(value).padStart(5, "0");
  return Array.from(
    { length: split.parts },
    (_, i) => `${split.stem}-${digits(i + 1)}-of-${digits(split.parts)}${split.ending}`,
  );
}

export function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/** Whether a name is that of weights. */
export function isModelFile(name: string): boolean {
  return /\.(gguf|safetensors)$/i.test(name);
}

export function isIndex(name: string): boolean {
  return /\.safetensors\.index\.json$/i.test(name);
}

function several(subject: string, names: string[]): HearthError {
  const list = names.slice(0, 12).join(", ");
  return invalid(subject, `${subject} holds several files of weights; name one: ${list}.`);
}

function invalid(subject: string, message: string): HearthError {
  return new HearthError("invalid_argument", message, { subject });
}

function missing(subject: string, message: string): HearthError {
  return new HearthError("not_found", message, { subject });
}

function malformed(subject: string, message: string, cause?: unknown): HearthError {
  return new HearthError("malformed_json", message, { subject, cause });
}
