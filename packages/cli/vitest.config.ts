import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Commands get the package handed in and import only its error at run time: so the unit tests need
// nothing built. tests/goldens/verify.test.ts runs the real thing.
const errors = fileURLToPath(new URL("../hearth/src/errors.ts", import.meta.url));

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  resolve: { alias: { hearth: errors } },
  test: { name: "cli", include: ["src/**/*.test.ts"] },
});
