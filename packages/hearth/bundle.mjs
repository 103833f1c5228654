// Bundles the package's seven scripts; used by the build and by the tests that need real workers.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const shared = {
  absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
  bundle: true,
  format: "esm",
  minify: true,
  sourcemap: true,
  logLevel: "warning",
};

/**
 * Writes index.js, worker.js, thread.js and isolate-worker.js for browsers, and node.js,
 * node-worker.js and node-thread.js for Node. They find each other, and the folder wasm/, in the folder they lie in.
 */
export async function bundle(outdir) {
  await build({
    ...shared,
    outdir,
    platform: "browser",
    target: "es2022",
    // Code that only Node reaches imports these; no browser gets that far.
    external: ["node:*"],
    entryPoints: {
      index: "src/index.ts",
      worker: "src/worker/browser.ts",
      thread: "src/worker/browser-thread.ts",
      "isolate-worker": "src/isolate/service-worker.ts",
    },
  });
  await build({
    ...shared,
    outdir,
    platform: "node",
    target: "node20",
    // A native module, which must stay in its package.
    external: ["webgpu"],
    entryPoints: {
      node: "src/node.ts",
      "node-worker": "src/worker/node.ts",
      "node-thread": "src/worker/node-thread.ts",
    },
  });
}
