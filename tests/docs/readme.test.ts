// Runs the examples of the documents: each block of TypeScript or shell says in a comment before it
// whether it is run and what it prints, or why it is not.
//
//   <!-- run -->                 it must end with exit code 0
//   <!-- run; prints: words -->  and these words must be in what it prints
//   <!-- not run: reason -->     it is only shown
//
// TypeScript is checked by tsc, then run in Node on the built package; shell runs in the repository's
// root. Both use the model in HEARTH_MODELS. Needs `make build model`.

import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { type Block, documentPaths, readDocument, root } from "./markdown.ts";

// Inside the repository, so that "hearth" is found in node_modules.
const folder = join(root, "build/docs");
const models = resolve(root, process.env.HEARTH_MODELS ?? ".cache/models");
const env = { ...process.env, HEARTH_CACHE: models };

const blocks = documentPaths()
  .flatMap((path) => readDocument(path).blocks)
  .filter(({ language }) => language === "ts" || language === "sh");

interface Wish {
  readonly run: boolean;
  readonly prints: string | undefined;
}

/** What the comment before a block asks for; undefined when it is none of the three forms. */
function wishOf({ note = "" }: Block): Wish | undefined {
  if (/^not run: \S/.test(note)) return { run: false, prints: undefined };
  const match = /^run(?:; prints: (.+))?$/.exec(note);
  return match ? { run: true, prints: match[1] } : undefined;
}

const nameOf = ({ at }: Block) => at.replace(/[^\w]+/g, "-");
const typescript = blocks.filter(({ language }) => language === "ts");
const runnable = blocks.filter((block) => wishOf(block)?.run);

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.base.json",
      compilerOptions: { noEmit: true, types: ["node"], lib: ["ES2023", "DOM"] },
      include: ["*.ts"],
    }),
  );
  for (const block of typescript) {
    writeFileSync(join(folder, `${nameOf(block)}.ts`), block.code);
    const { code } = await transform(block.code, { loader: "ts", format: "esm" });
    writeFileSync(join(folder, `${nameOf(block)}.mjs`), code);
  }
});

/** Runs a program; what it printed is the error's text when it fails. */
async function run(program: string, ...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: root, env });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & Record<string, string>;
    throw new Error(`${message}\n${stdout}${stderr}`);
  }
}

it.each(blocks)("$at says whether it is run", (block) => {
  expect(wishOf(block), `the comment before it: ${block.note}`).toBeDefined();
});

it("has examples to run in every document that has users", () => {
  const documents = new Set(runnable.map(({ at }) => at.split(":")[0]));
  expect([...documents]).toEqual(["CONTRIBUTING.md", "README.md", "packages/hearth/README.md"]);
});

it("has types that fit the package's", async () => {
  await run(join(root, "node_modules/.bin/tsc"), "-p", folder);
});

describe.each(runnable)("$at", (block) => {
  it("runs", async () => {
    const output =
      block.language === "ts"
        ? await run(process.execPath, join(folder, `${nameOf(block)}.mjs`))
        : await run("bash", "-euo", "pipefail", "-c", block.code);
    expect(output).toContain(wishOf(block)?.prints ?? "");
  });
});
