// What the two peers of Hearth (browser and Node) share.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NotBuiltError } from "./errors.mjs";
import { root } from "./model.mjs";

const folder = "packages/hearth";

/** @returns {string} version of the package; throws NotBuiltError when it has no build */
export function hearthVersion() {
  const built = `${folder}/dist/index.js`;
  if (!existsSync(join(root, built))) throw new NotBuiltError(built);
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).version;
}
