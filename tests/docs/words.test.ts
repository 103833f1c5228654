// Holds the documents against what they speak of: links, paths, make targets, codes and options.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCodes } from "../../packages/hearth/src/abi.generated.ts";
import {
  anchors,
  codeSpans,
  type Document,
  documentPaths,
  firstCells,
  git,
  links,
  readDocument,
  root,
} from "./markdown.ts";

const documents = documentPaths().map(readDocument);
const at = (path: string) => join(root, path);
const get = (path: string) => documents.find((document) => document.path === path) as Document;

/** Whether git ignores a path, as it does what is built, downloaded or installed. */
function isIgnored(path: string): boolean {
  try {
    git("check-ignore", "--quiet", path);
    return true;
  } catch {
    return false;
  }
}

/** The files that git tracks, of those that fit a pattern. */
const tracked = (pattern: string) => git("ls-files", "--", pattern).trim().split("\n");

/** Names of all files that git tracks, without folders. */
const names = new Set(tracked("*").map((path) => basename(path)));
/** Files that models come with, under the names that Hugging Face gives them. */
const ofModels = new Set(["tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"]);

/** Whether a path that a document names is there, seen from the root or from the document. */
function exists(path: string, document: Document): boolean {
  if (!path.includes("/") && (names.has(path) || ofModels.has(path))) return true;
  // NAME stands for whatever a recipe is followed for: its folder must exist.
  const real = path.includes("NAME") ? dirname(path) : path.replace(/\/$/, "");
  const own = dirname(document.path);
  return ["", "core/src", "core", "packages/hearth/src", own, `${own}/src`].some((base) => {
    const candidate = normalize(join(base, real));
    if (candidate.startsWith("..")) return false;
    if (candidate.includes("*")) return tracked(candidate)[0] !== "";
    return existsSync(at(candidate)) || isIgnored(candidate) || isIgnored(`${candidate}/`);
  });
}

/** A code span that is a path: words with slashes and nothing else, or a file's name. */
const isPath = (span: string) =>
  (/^\.?[\w.*-]+(\/[\w.*-]+)+\/?$/.test(span) && !/^[\w.]+\/[\w]+$/.test(span)) ||
  /^[\w-]+\.(md|mjs|ts|cc|h|cmake|json|yml|sh|py)$/.test(span) ||
  /^(core|packages|apps|tests|bench|scripts|docs)\/\w+$/.test(span);

describe.each(documents)("$path", (document) => {
  it("has lines that fit an editor, tables aside", () => {
    const long = document.lines.filter((line) => line.length > 110 && !/^\|.*\|$/.test(line));
    expect(long).toEqual([]);
  });

  it("links to what is there", () => {
    for (const target of links(document)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? document.path : normalize(join(dirname(document.path), file));
      expect(existsSync(at(path)), `${target} exists`).toBe(true);
      if (anchor !== undefined) expect(anchors(readDocument(path)), target).toContain(anchor);
    }
  });

  it("names paths that exist", () => {
    const missing = codeSpans(document).filter((span) => isPath(span) && !exists(span, document));
    expect(missing).toEqual([]);
  });

  it("names make targets that exist", () => {
    const makefile = readFileSync(at("Makefile"), "utf8");
    const targets = new Set([...makefile.matchAll(/^([a-z][\w-]*):/gm)].map((match) => match[1]));
    const shell = document.blocks.filter(({ language }) => language === "sh");
    const lines = [...codeSpans(document), ...shell.flatMap(({ code }) => code.split("\n"))];
    const named = lines.flatMap((line) => {
      const match = /^(?:\w+=\S+ )*make ([a-z][a-z -]*)/.exec(line);
      return match ? (match[1] as string).trim().split(/ +/) : [];
    });
    expect(named.filter((target) => !targets.has(target))).toEqual([]);
  });
});

describe("the package's README", () => {
  const readme = get("packages/hearth/README.md");

  it("lists every error code with what it means", () => {
    const rows = Object.entries(errorCodes).map(
      ([code, meaning]) => `| \`${code}\` | ${meaning} |`,
    );
    const start = readme.lines.indexOf("| code | meaning |") + 2;
    expect(readme.lines.slice(start, start + rows.length)).toEqual(rows);
    expect(readme.lines[start + rows.length]).toBe("");
  });

  it("lists every option", () => {
    const types = readFileSync(at("packages/hearth/src/engine/types.ts"), "utf8");
    const members = ["ModelOptions", "EngineOptions"].flatMap((name) => {
      const body = new RegExp(`export interface ${name}\\b.*?\\n}`, "s").exec(types)?.[0] ?? "";
      return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1] as string);
    });
    expect(members.length).toBeGreaterThan(10);
    expect(firstCells(readme, "## Options of createEngine").sort()).toEqual(members.sort());
  });

  it("names every option of diagnose and benchmark", () => {
    const start = readme.lines.indexOf("## What the device can do");
    const end = readme.lines.findIndex((line, at) => at > start && line.startsWith("## "));
    const section = readme.lines.slice(start, end).join("\n");
    for (const [file, name] of [
      ["diagnosis-types.ts", "DiagnoseOptions"],
      ["benchmark-types.ts", "BenchmarkOptions"],
    ]) {
      const types = readFileSync(at(`packages/hearth/src/engine/${file}`), "utf8");
      const body = new RegExp(`export interface ${name}\\b.*?\\n}`, "s").exec(types)?.[0] ?? "";
      const members = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1] as string);
      expect(members.length).toBeGreaterThan(5);
      expect(members.filter((member) => !section.includes(`\`${member}\``))).toEqual([]);
    }
  });
});

it("lists every command of the CLI in the README", () => {
  const files = readdirSync(at("packages/cli/src/commands"));
  const commands = files
    .filter((name) => !name.endsWith(".test.ts"))
    .map((name) => name.slice(0, -3));
  const listed = firstCells(get("README.md"), "## In a terminal");
  expect(listed.sort()).toEqual(commands.map((name) => `hearth ${name}`).sort());
});

it("gives every folder of the source a line in the layout", () => {
  const architecture = get("ARCHITECTURE.md");
  const tree = architecture.blocks.find(({ code }) => code.startsWith("core/"))?.code ?? "";
  const path: string[] = [];
  const listed = new Set<string>();
  for (const line of tree.trimEnd().split("\n")) {
    const match = /^( *)(\S+)\/ {2,}\S/.exec(line);
    expect(match, `"${line}" is a folder with a line on it`).not.toBeNull();
    path.length = (match?.[1] ?? "").length / 2;
    path.push(match?.[2] ?? "");
    listed.add(path.join("/"));
  }
  const foldersIn = (parent: string) =>
    readdirSync(at(parent))
      .map((name) => `${parent}/${name}`)
      .filter((name) => statSync(at(name)).isDirectory() && !isIgnored(name));
  const parents = ["core", "core/src", "packages", "packages/hearth/src", "apps", "tests"];
  expect([...parents.flatMap(foldersIn)].filter((name) => !listed.has(name))).toEqual([]);
  expect([...listed].filter((name) => !existsSync(at(name)))).toEqual([]);
});

it("keeps an index of the decisions", () => {
  const index = get("docs/decisions/README.md");
  const records = readdirSync(at("docs/decisions")).filter((name) => /^\d{4}-.*\.md$/.test(name));
  expect(links(index).filter((target) => /^\d/.test(target))).toEqual(records.sort());
});
