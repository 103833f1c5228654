// The script of a helper thread in Node: dist/node-thread.js.

import { parentPort, workerData } from "node:worker_threads";
import { runThread, type ThreadStart } from "../wasm/core.js";

runThread(workerData as ThreadStart, () => parentPort?.postMessage("ready"));
