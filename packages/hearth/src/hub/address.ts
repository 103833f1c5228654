// Models at any address: a GGUF file, a safetensors file with its JSON files beside it, or a folder.
// A server of files does not list them, so a folder is asked for the names that checkpoints use.

import { HearthError } from "../errors.js";
import { type FileSource, type ModelFiles, sourcesOf } from "./model-files.js";
import { isGguf, isIndex, isModelFile, type Picked, partNames, shardsOf } from "./pick.js";
import { newSha256 } from "./sha256.js";
import { fetchText, isThere, type SmallOptions } from "./small.js";

const kIndex = "model.safetensors.index.json";

/**
 * The files of a model at an address: of a `.gguf` or `.safetensors` file, any part of a split one, an
 * index of shards, or a folder, which ends with a slash.
 *
 * Throws `invalid_argument` for other addresses; for indexes and folders also as `fetchText`.
 */
export async function resolveAddress(
  address: string,
  model: string,
  options: SmallOptions = {},
): Promise<ModelFiles> {
  const url = parseUrl(address, model);
  url.hash = "";
  const name = lastSegment(url.pathname);
  if (url.pathname.endsWith("/")) return fromFolder(url, model, options);
  if (isIndex(name)) {
    return beside(url, name, shardsOf(await fetchText(url.href, options), name), options);
  }
  if (isModelFile(name)) return beside(url, name, partNames(name) ?? [name], options);
  const message = `${model} is not the address of a .gguf or .safetensors file, or of a folder (…/).`;
  throw new HearthError("invalid_argument", message, { subject: model });
}

async function fromFolder(url: URL, model: string, options: SmallOptions): Promise<ModelFiles> {
  const name = lastSegment(url.pathname.replace(/\/+$/, "")) || url.hostname;
  let shards = ["model.safetensors"];
  try {
    shards = shardsOf(await fetchText(sibling(url, kIndex).href, options), kIndex);
  } catch (thrown) {
    // Small models have no index.
    const error = HearthError.from(thrown);
    if (error.code !== "not_found") throw error;
  }
  return { ...(await beside(url, model, shards, options)), name };
}

/** Weights of the folder that the address is in, with those of the other files that are there. */
async function beside(
  url: URL,
  name: string,
  weights: string[],
  options: SmallOptions,
): Promise<ModelFiles> {
  const picked: Picked = { weights };
  if (!isGguf(name)) {
    picked.config = "config.json";
    const others = [
      ["tokenizer", "tokenizer.json"],
      ["tokenizerConfig", "tokenizer_config.json"],
      ["chatTemplate", "chat_template.jinja"],
    ] as const;
    const found = await Promise.all(
      others.map(([, other]) => isThere(sibling(url, other).href, options)),
    );
    for (const [i, [role, other]] of others.entries()) if (found[i]) picked[role] = other;
  }
  return { name, ...(await sourcesOf(picked, (other) => atAddress(sibling(url, other)))) };
}

/** Another file of the same folder, with what the address asks for kept: it may hold a key. */
function sibling(url: URL, name: string): URL {
  const other = new URL(name.split("/").map(encodeURIComponent).join("/"), url);
  other.search = url.search;
  return other;
}

function parseUrl(address: string, model: string): URL {
  try {
    return new URL(address);
  } catch (cause) {
    throw new HearthError("invalid_argument", `${model} is not an address.`, {
      subject: model,
      cause,
    });
  }
}

/**
 * The file at an address. Files of one name at many addresses are kept apart by the start of a hash:
 * of the content where it is known, so that what two revisions share is kept once, else of the
 * address. 48 bits collide by chance once in ten million files or so.
 */
export async function atAddress(url: URL, sha256?: string): Promise<FileSource> {
  const name = lastSegment(url.pathname);
  const hash = (sha256 ?? (await hashOf(url.href))).slice(0, 12);
  const plain = name.replace(/[^A-Za-z0-9._-]/g, "_").slice(-120);
  return { key: `${hash}-${plain}`, name, urls: [url.href] };
}

/** SHA-256 of a text's UTF-8, in lowercase hex. */
export async function hashOf(text: string): Promise<string> {
  return (await newSha256()).init().update(text).digest("hex");
}

function lastSegment(pathname: string): string {
  const last = pathname.split("/").pop() ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
