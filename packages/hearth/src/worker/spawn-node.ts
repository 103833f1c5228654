// The app's end of a worker thread in Node.

import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { AppPlatform } from "../engine/engine.js";
import type { Assets } from "../engine/types.js";
import { HearthError } from "../errors.js";
import type { WorkerPort } from "./protocol.js";

function spawn(assets: Assets): WorkerPort {
  const worker = new Worker(assets.worker ?? new URL("./node-worker.js", import.meta.url));
  let ending = false;
  const port: WorkerPort = {
    onMessage: undefined,
    onLost: undefined,
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    hold: (alive) => (alive ? worker.ref() : worker.unref()),
    async terminate() {
      ending = true;
      await worker.terminate();
    },
  };
  worker.on("message", (message) => port.onMessage?.(message));
  worker.on("messageerror", (error) => port.onLost?.(HearthError.from(error, "worker_lost")));
  worker.on("error", (error) => port.onLost?.(HearthError.from(error, "worker_lost")));
  worker.on("exit", (status) => {
    if (ending) return;
    const sentence = `The engine's worker ended with status ${status}.`;
    port.onLost?.(new HearthError("worker_lost", sentence));
  });
  return port;
}

export const nodeApp: AppPlatform = {
  spawn,
  baseUrl: undefined,
  resolveWasm: (folder) =>
    folder instanceof URL || folder.startsWith("file:") ? fileURLToPath(folder) : folder,
};
