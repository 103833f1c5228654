/** Builds the app once before the tests of this folder, from the package as it was built last. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { modelPath } from "./harness.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

export default async function setup(): Promise<void> {
  for (const [path, make] of [
    [`${root}packages/hearth/dist/index.js`, "make build"],
    [`${root}packages/hearth/dist/wasm/hearth-relaxed-mt.wasm`, "make build"],
    [modelPath(), "make model"],
  ] as const) {
    if (!existsSync(path)) throw new Error(`${path} is missing: run \`${make}\` first.`);
  }
  await build({ root: `${root}apps/studio`, logLevel: "warn" });
}
