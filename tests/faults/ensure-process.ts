// A process of processes.test.ts: downloads one file into a folder and prints what came of it.
// Arguments: the folder, and the file's source as JSON.

import { ensureFile } from "../../packages/hearth/src/hub/ensure.js";
import type { FileSource } from "../../packages/hearth/src/hub/resolve.js";
import { openStore } from "../../packages/hearth/src/store/store.js";

const [, , cacheDir = "", source = "{}"] = process.argv;
const store = await openStore({ cacheDir });
const { origin, downloadedBytes, file } = await ensureFile(store, JSON.parse(source) as FileSource);
file.close();
console.log(JSON.stringify({ origin, downloadedBytes }));
