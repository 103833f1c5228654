// What a model consists of: the files, and where each can be had.

import type { Picked } from "./pick.js";

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
  /** What to say to its server to be let in: an access token of Hugging Face. */
  token?: string;
}

/** Every file of a model. A GGUF has all but the weights in its header, and needs no others. */
export interface ModelFiles {
  /** For people. */
  name: string;
  /** One file, or the parts of a model that was split, in order. */
  weights: FileSource[];
  /** `config.json`. */
  config?: FileSource;
  /** `tokenizer.json`. */
  tokenizer?: FileSource;
  /** `tokenizer_config.json`. */
  tokenizerConfig?: FileSource;
  /** `chat_template.jinja`, which goes before templates in other files. */
  chatTemplate?: FileSource;
  /** SPDX identifier, where the place that the model is from states one. */
  license?: string;
}

/** The files of a model in the order in which they are got: the small ones that say what it is first. */
export function allFiles(files: ModelFiles): FileSource[] {
  const { config, weights, tokenizer, tokenizerConfig, chatTemplate } = files;
  return [config, tokenizer, tokenizerConfig, chatTemplate, ...weights].filter(
    (file) => file !== undefined,
  );
}

/** The files that were picked by name, as sources. */
export async function sourcesOf(
  picked: Picked,
  source: (name: string) => FileSource | Promise<FileSource>,
): Promise<Omit<ModelFiles, "name">> {
  const files: Omit<ModelFiles, "name"> = { weights: [] };
  for (const name of picked.weights) files.weights.push(await source(name));
  for (const role of ["config", "tokenizer", "tokenizerConfig", "chatTemplate"] as const) {
    const name = picked[role];
    if (name !== undefined) files[role] = await source(name);
  }
  return files;
}
