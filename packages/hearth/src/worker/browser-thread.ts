// The script of a helper thread in a browser: dist/thread.js. It is told once what to run, and then
// belongs to the core until its worker ends.

import { runThread, type ThreadStart } from "../wasm/core.js";

const scope = globalThis as unknown as { postMessage(message: unknown): void };

globalThis.onmessage = (event: MessageEvent<ThreadStart>) => {
  runThread(event.data, () => scope.postMessage("ready"));
};
