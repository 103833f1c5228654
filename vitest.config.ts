import { defineConfig } from "vitest/config";

// Every TypeScript test of the house, by what it needs; `make test-ts`, `test-browser` and `test-parity`
// run some of the projects each.
export default defineConfig({
  test: {
    projects: [
      "packages/cli/vitest.config.ts",
      "apps/studio/vite.config.ts",
      "scripts/vitest.config.ts",
      "tests/browser/vitest.config.ts",
      // Some of it on a software adapter, on machines that may be busy.
      {
        test: {
          name: "hearth",
          include: ["packages/hearth/src/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      { test: { name: "bench", include: ["bench/lib/*.test.ts"] } },
      // On a software adapter unless there is a GPU; two files at once would share two cores.
      {
        test: {
          name: "kernels",
          include: ["tests/kernels/*.test.ts"],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
      { test: { name: "faults", include: ["tests/faults/*.test.ts"], testTimeout: 120_000 } },
      {
        test: {
          name: "goldens",
          include: ["tests/goldens/*.test.ts"],
          testTimeout: 240_000,
          fileParallelism: false,
        },
      },
      // Each example loads a model; two at once would share two cores.
      {
        test: {
          name: "docs",
          include: ["tests/docs/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      { test: { name: "parity-large", include: ["tests/parity-large/*.test.ts"] } },
      { test: { name: "tokenizers", include: ["tests/tokenizers/*.test.ts"] } },
      { test: { name: "parity", include: ["tests/parity/*.test.ts"], testTimeout: 300_000 } },
    ],
  },
});
