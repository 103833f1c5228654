// Builds the app. `vite --mode fake` puts dev/fake-hearth.ts in the engine's place, to work on the
// page without a model; no other mode can reach that file.
import { fileURLToPath } from "node:url";
import preact from "@preact/preset-vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { commonHeaders, isolationHeaders, pagePolicy } from "./headers.mjs";

/** Puts the policy into the built page; the dev server's hot reload could not live under it. */
const policy: Plugin = {
  name: "hearth-content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: { "http-equiv": "Content-Security-Policy", content: pagePolicy },
      injectTo: "head-prepend",
    },
  ],
};

export default defineConfig(({ mode }) => ({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [preact(), policy],
  resolve: {
    alias:
      mode === "fake"
        ? { hearth: fileURLToPath(new URL("dev/fake-hearth.ts", import.meta.url)) }
        : {},
  },
  worker: { format: "es" },
  build: {
    target: "es2023",
    // An asset inlined as data: would be refused by the page's policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { headers: isolationHeaders },
  preview: { headers: { ...commonHeaders, ...isolationHeaders } },
  test: { name: "studio", environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
}));
