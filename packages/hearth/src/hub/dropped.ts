// Models in the user's hands: files picked or dropped onto the page, read where they are.

import { type FileSource, type ModelFiles, sourcesOf } from "./model-files.js";
import { pickFiles } from "./pick.js";

/**
 * The files of a model among those that were picked: one alone, or a folder's. Throws as `pickFiles`.
 */
export async function resolveDropped(given: File | readonly File[]): Promise<ModelFiles> {
  if (!Array.isArray(given)) {
    const file = given as File;
    return { name: nameOf(file), weights: [fromBlob(file)] };
  }
  const files = given as readonly File[];
  const byName = new Map(files.map((file) => [nameOf(file), file]));
  const of = (name: string): File => byName.get(name) as File;
  const subject = "The files that were picked";
  const picked = await pickFiles([...byName.keys()], { subject, read: (name) => of(name).text() });
  const [first = ""] = picked.weights;
  const folder = folderOf(of(first));
  return {
    name: folder === "" ? first : folder,
    ...(await sourcesOf(picked, (name) => fromBlob(of(name)))),
  };
}

/** Whether it is something that `resolveDropped` takes. */
export function isDropped(model: unknown): model is File | readonly File[] {
  const isBlob = (value: unknown) => typeof Blob !== "undefined" && value instanceof Blob;
  return isBlob(model) || (Array.isArray(model) && model.length > 0 && model.every(isBlob));
}

function nameOf(file: File): string {
  return file.name ?? "file";
}

/** The folder that was picked, when a whole one was. */
function folderOf(file: File): string {
  return (file.webkitRelativePath ?? "").split("/").at(-2) ?? "";
}

function fromBlob(blob: File): FileSource {
  const name = nameOf(blob);
  return { key: name, name, size: blob.size, urls: [], blob };
}
