import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: {
    name: "browser",
    environment: "node",
    include: ["*.test.ts"],
    globalSetup: ["./build-app.ts"],
    // Each file has a Chromium and a model in memory; two at once would share two cores.
    fileParallelism: false,
    // A machine with one slow core may take minutes to download, load and answer.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
