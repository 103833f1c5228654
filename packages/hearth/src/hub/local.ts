// Models that are already on this machine's disk, used where they lie (Node only).

import { HearthError } from "../errors.js";
import { openDiskFile } from "../store/disk.js";
import { storageError } from "../store/file-store.js";
import type { StoredFile } from "../store/store.js";
import { type FileSource, type ModelFiles, sourcesOf } from "./model-files.js";
import { isIndex, isModelFile, pickFiles } from "./pick.js";

const fs = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");
const url = process.getBuiltinModule("node:url");

/**
 * The files of a path: of a file, or of a folder as `pickFiles` reads it. Undefined when nothing is
 * there and the text does not look like a path either; throws `not_found` when it does, and as
 * `pickFiles`.
 */
export async function resolveLocal(model: string): Promise<ModelFiles | undefined> {
  const at = path.resolve(model.startsWith("file:") ? url.fileURLToPath(model) : model);
  const stat = fs.statSync(at, { throwIfNoEntry: false });
  if (stat === undefined) {
    if (!/[/\\]|^[.~]|\.(gguf|safetensors|json)$/i.test(model)) return undefined;
    throw missing(model, `There is no file or folder ${model}.`);
  }
  if (!stat.isDirectory()) return fromFile(at, model);
  return fromNames(at, { name: path.basename(at), subject: model });
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

async function fromFile(at: string, model: string): Promise<ModelFiles> {
  const name = path.basename(at);
  const folder = path.dirname(at);
  // Whatever its name says, a file that is named is read; its other parts and files lie beside it.
  if (!isModelFile(name) && !isIndex(name)) return { name, weights: [found(folder, name)] };
  return fromNames(folder, { name, subject: model, wanted: name });
}

async function fromNames(
  folder: string,
  { name, subject, wanted }: { name: string; subject: string; wanted?: string },
): Promise<ModelFiles> {
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  const read = (file: string) => fs.promises.readFile(path.join(folder, file), "utf8");
  const picked = await pickFiles(names.sort(), { subject, wanted, read });
  const files = await sourcesOf(picked, (file) => found(folder, file));
  const license = names.includes("README.md") ? licenseIn(await read("README.md")) : undefined;
  return { name, ...files, ...(license === undefined ? {} : { license }) };
}

/** The licence in a model card: a line of the YAML between two lines of dashes at its start. */
function licenseIn(card: string): string | undefined {
  const [, head = ""] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(card) ?? [];
  return /^license:[ \t]*["']?([^\s"'#]+)/m.exec(head)?.[1];
}

function found(folder: string, name: string): FileSource {
  const at = path.join(folder, name);
  return { key: name, name, size: fs.statSync(at).size, urls: [], path: at };
}

function missing(subject: string, message: string): HearthError {
  return new HearthError("not_found", message, { subject });
}
