// The worker's script in a browser: dist/worker.js.

import { Host, hub } from "../engine/host.js";
import { HearthError } from "../errors.js";
import { openGpu, scopeGpu } from "../gpu/adapter.js";
import { compileFrom } from "../wasm/compile.js";
import type { ThreadStart } from "../wasm/core.js";
import type { WasmVariant } from "../wasm/features.js";
import type { Port } from "./protocol.js";
import { serve } from "./serve.js";
import { startWasm } from "./start-core.js";

// Bundlers look for exactly these expressions, so each address is written out.
const modules: Record<WasmVariant, URL> = {
  simd: new URL("./wasm/hearth-simd.wasm", import.meta.url),
  relaxed: new URL("./wasm/hearth-relaxed.wasm", import.meta.url),
  "relaxed-mt": new URL("./wasm/hearth-relaxed-mt.wasm", import.meta.url),
};

function moduleUrl(variant: WasmVariant, folder: string | undefined): URL {
  if (folder === undefined) return modules[variant];
  return new URL(`hearth-${variant}.wasm`, folder.endsWith("/") ? folder : `${folder}/`);
}

function spawnThread(start: ThreadStart): Promise<{ terminate(): void }> {
  const thread = new Worker(new URL("./thread.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    thread.onmessage = () => resolve({ terminate: () => thread.terminate() });
    thread.onerror = (event) => {
      thread.terminate();
      const message = event.message || "The script of the engine's threads did not load.";
      reject(new HearthError("worker_lost", message, { subject: "thread.js" }));
    };
    thread.postMessage(start);
  });
}

// The library's types are a page's; a worker's global has the same two members.
const scope = globalThis as unknown as {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
};
const port: Port = {
  onMessage: undefined,
  post: (message, transfer = []) => scope.postMessage(message, transfer),
};
scope.onmessage = (event) => port.onMessage?.(event.data);

const host = new Host({
  ...hub,
  openGpu: (wanted, signal) => openGpu(scopeGpu, wanted, signal),
  startCore: (params, signal) =>
    startWasm(
      params,
      {
        cores: navigator.hardwareConcurrency,
        compile: (variant, folder, stop) => compileFrom(moduleUrl(variant, folder), stop),
        spawnThread,
      },
      signal,
    ),
});
serve(port, host.handlers());
