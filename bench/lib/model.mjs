// Where the GGUF is that every engine is measured on and compared over.

import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ModelMissingError } from "./errors.mjs";

/** The repository's root, absolute. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** The model of the parity test and of the bench: `hearth pull` puts it into the models' folder. */
export const modelFile = "SmolLM2-135M-Instruct.Q4_1.gguf";

/** @returns {string} absolute path of the GGUF; throws ModelMissingError */
export function findModel() {
  const folder = process.env.HEARTH_MODELS ?? join(root, ".cache", "models");
  const path = join(folder, modelFile);
  if (!existsSync(path)) {
    const shown = relative(root, path);
    throw new ModelMissingError(shown.startsWith("..") ? path : shown);
  }
  return path;
}
