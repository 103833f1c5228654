/** The catalogue, as the picker shows it. */
import type { CatalogueEntry, CatalogueModel } from "./engine.js";

export const fromCatalogue = (entries: readonly CatalogueEntry[]): CatalogueModel[] =>
  entries.map(({ name, title, description, license, parameters, weights }) => ({
    id: name,
    name: title,
    description,
    license,
    parameters,
    bytes: weights.bytes,
  }));
