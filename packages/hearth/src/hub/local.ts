// Models that are already on this machine's disk, used where they lie (Node only).

import { HearthError } from "../errors.js";
import { openDiskFile } from "../store/disk.js";
import { storageError } from "../store/file-store.js";
import type { StoredFile } from "../store/store.js";
import type { FileSource, ModelFiles } from "./resolve.js";

const fs = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");
const url = process.getBuiltinModule("node:url");

/**
 * The files of a path: a file, or a folder with `config.json`, the weights and the tokenizer's files.
 * Undefined when nothing is there and the text does not look like a path either; throws `not_found`
 * when it does, or when a folder holds no weights.
 */
export async function resolveLocal(model: string): Promise<ModelFiles | undefined> {
  const at = path.resolve(model.startsWith("file:") ? url.fileURLToPath(model) : model);
  const stat = fs.statSync(at, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (!/[/\\]|^[.~]|\.(gguf|safetensors)$/i.test(model)) return undefined;
    throw missing(model, `There is no file or folder ${model}.`);
  }
  if (!stat.isDirectory()) return fromFile(at, stat.size);
  return fromFolder(at, model);
}

/** Opens a file of the disk in place. Throws `not_found` or `storage_failed`. */
export function openLocal(at: string): StoredFile {
  let file: StoredFile | undefined;
  try {
    file = openDiskFile(at);
  } catch (thrown) {
    throw storageError(thrown, at);
  }
  if (file === undefined) throw missing(at, `There is no file ${at}.`);
  return file;
}

function fromFile(at: string, size: number): ModelFiles {
  const name = path.basename(at);
  const weights = { key: name, name, size, urls: [], path: at };
  if (!/\.safetensors$/i.test(at)) return { name, weights };
  return { name, weights, ...jsonFiles(path.dirname(at)) };
}

function fromFolder(at: string, model: string): ModelFiles {
  const names = fs.readdirSync(at).sort();
  const ending = (suffix: string): string[] => names.filter((name) => name.endsWith(suffix));
  const candidates = names.includes("model.safetensors")
    ? ["model.safetensors"]
    : [...ending(".safetensors"), ...ending(".gguf")];
  const [weights] = candidates;
  if (weights === undefined) {
    throw missing(model, `The folder ${model} holds no model.safetensors and no .gguf file.`);
  }
  if (candidates.length > 1) {
    throw new HearthError(
      "invalid_argument",
      `The folder ${model} holds several files of weights; name one: ${candidates.join(", ")}.`,
      { subject: model },
    );
  }
  return { name: path.basename(at), weights: found(at, weights), ...jsonFiles(at) };
}

function jsonFiles(folder: string): Partial<ModelFiles> {
  const files: Partial<ModelFiles> = {};
  const has = (name: string): boolean => fs.existsSync(path.join(folder, name));
  if (has("config.json")) files.config = found(folder, "config.json");
  if (has("tokenizer.json")) files.tokenizer = found(folder, "tokenizer.json");
  if (has("tokenizer_config.json")) files.tokenizerConfig = found(folder, "tokenizer_config.json");
  return files;
}

function found(folder: string, name: string): FileSource {
  const at = path.join(folder, name);
  return { key: name, name, size: fs.statSync(at).size, urls: [], path: at };
}

function missing(subject: string, message: string): HearthError {
  return new HearthError("not_found", message, { subject });
}
