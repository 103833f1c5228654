// The page's end of a worker in a browser.

import type { AppPlatform } from "../engine/engine.js";
import type { Assets } from "../engine/types.js";
import { HearthError } from "../errors.js";
import { askToPersist } from "../store/store.js";
import type { WorkerPort } from "./protocol.js";

function startWorker(assets: Assets): Worker {
  if (assets.worker !== undefined) return new Worker(assets.worker, { type: "module" });
  // Bundlers look for exactly this expression.
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
}

function spawn(assets: Assets): WorkerPort {
  const worker = startWorker(assets);
  // Only a page can ask the browser to keep the store; the worker cannot.
  void askToPersist();
  const port: WorkerPort = {
    onMessage: undefined,
    onLost: undefined,
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
  };
  worker.onmessage = (event) => port.onMessage?.(event.data);
  worker.onmessageerror = () => port.onLost?.(new HearthError("worker_lost"));
  worker.onerror = (event) => {
    // A script that does not load gives an event without a message.
    const message = event.message || "The engine's worker script did not load.";
    port.onLost?.(new HearthError("worker_lost", message));
  };
  return port;
}

export const browserApp: AppPlatform = {
  spawn,
  baseUrl: globalThis.location?.href,
  resolveWasm: (folder) => new URL(folder, globalThis.location?.href).href,
};
