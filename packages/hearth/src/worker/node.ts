// The worker thread's script in Node: dist/node-worker.js.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { parentPort, Worker } from "node:worker_threads";
import { Host, hub } from "../engine/host.js";
import { HearthError } from "../errors.js";
import { openGpu } from "../gpu/adapter.js";
import { idle } from "../gpu/device.js";
import { nodeGpu } from "../gpu/node-gpu.js";
import { NativeCore } from "../native/core.js";
import type { ThreadStart } from "../wasm/core.js";
import { mostThreads, relaxedDotsAreRight, type WasmVariant } from "../wasm/features.js";
import type { OpenParams, Port } from "./protocol.js";
import { serve } from "./serve.js";
import { startWasm } from "./start-core.js";

// Node 20 has relaxed SIMD behind a flag, which may be set until WebAssembly is first used.
setFlagsFromString("--experimental-wasm-relaxed-simd");
// Its baseline compiler then computes dot products wrongly, and is done without.
if (!relaxedDotsAreRight()) setFlagsFromString("--no-liftoff");

const modules: Record<WasmVariant, URL> = {
  simd: new URL("./wasm/hearth-simd.wasm", import.meta.url),
  relaxed: new URL("./wasm/hearth-relaxed.wasm", import.meta.url),
  "relaxed-mt": new URL("./wasm/hearth-relaxed-mt.wasm", import.meta.url),
};

async function compile(
  variant: WasmVariant,
  folder: string | undefined,
  signal: AbortSignal,
): Promise<WebAssembly.Module> {
  const path =
    folder === undefined ? fileURLToPath(modules[variant]) : join(folder, `hearth-${variant}.wasm`);
  try {
    return await WebAssembly.compile(await readFile(path, { signal }));
  } catch (error) {
    throw HearthError.from(error, "unsupported_device", path);
  }
}

function spawnThread(start: ThreadStart): Promise<{ terminate(): void }> {
  const thread = new Worker(new URL("./node-thread.js", import.meta.url), { workerData: start });
  thread.unref();
  return new Promise((resolve, reject) => {
    thread.once("message", () => resolve({ terminate: () => void thread.terminate() }));
    thread.once("error", (error) => reject(HearthError.from(error, "worker_lost", "threads")));
  });
}

/** Where a checkout's build leaves the native engine. */
const builtNative = new URL("../../../build/native/host/hearth-native", import.meta.url);

function startCore(params: OpenParams, signal: AbortSignal) {
  if (params.device === "native") {
    const path = params.nativePath ?? process.env.HEARTH_NATIVE ?? fileURLToPath(builtNative);
    return NativeCore.start(path, params.threads ?? Math.min(availableParallelism(), mostThreads));
  }
  return startWasm(params, { cores: availableParallelism(), compile, spawnThread }, signal);
}

const app = parentPort;
if (!app) throw new HearthError("internal", "This script runs in a worker thread only.");
const port: Port = {
  onMessage: undefined,
  post: (message, transfer = []) => app.postMessage(message, transfer),
};
app.on("message", (message) => port.onMessage?.(message));
const host = new Host({
  ...hub,
  startCore,
  openGpu: (wanted, signal) => openGpu(nodeGpu, wanted, signal),
});
serve(port, host.handlers(), idle);
