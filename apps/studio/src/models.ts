/** The catalogue, as the picker shows it. */
import type { CatalogueModel } from "./engine.js";

export const fromCatalogue = (models: readonly CatalogueModel[]): readonly CatalogueModel[] =>
  models;
