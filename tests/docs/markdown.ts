// Reads the house's Markdown as far as its tests need: code blocks, code spans, links, headings, rows
// of tables. Not a parser of Markdown; the house writes plainly enough for this.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A fenced block, and what the comment on the line before it says. */
export interface Block {
  /** "README.md:42", where the fence opens. */
  readonly at: string;
  /** "ts", "sh", "text"; "" for none. */
  readonly language: string;
  readonly code: string;
  /** The text of a comment `<!-- … -->` just before the fence. */
  readonly note: string | undefined;
}

export interface Document {
  /** From the repository's root. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly blocks: readonly Block[];
  /** The document without its fenced blocks and comments. */
  readonly prose: string;
}

/** Reads a document. Throws when a fence is not closed. */
export function readDocument(path: string): Document {
  const lines = readFileSync(`${root}/${path}`, "utf8").split("\n");
  const blocks: Block[] = [];
  const prose: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^( *)```(\S*)/.exec(lines[i] as string);
    if (!fence) {
      prose.push(lines[i] as string);
      continue;
    }
    const end = lines.findIndex((line, at) => at > i && line.trim() === "```");
    if (end < 0) throw new Error(`${path}:${i + 1}: the block is not closed.`);
    const note = /^\s*<!-- (.*) -->$/.exec(lines[i - 1] ?? "")?.[1];
    const indent = fence[1]?.length ?? 0;
    const code = lines.slice(i + 1, end).map((line) => line.slice(indent));
    blocks.push({
      at: `${path}:${i + 1}`,
      language: fence[2] ?? "",
      code: `${code.join("\n")}\n`,
      note,
    });
    i = end;
  }
  return { path, lines, blocks, prose: prose.join("\n").replace(/<!--.*?-->/gs, "") };
}

/** Asks git. A checkout of another user's, as containers mount them, is as good as our own. */
export function git(...args: string[]): string {
  const all = ["-c", "safe.directory=*", ...args];
  return execFileSync("git", all, { cwd: root, encoding: "utf8" });
}

/** Every Markdown file that git tracks, or would. */
export function documentPaths(): string[] {
  const listed = git("ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md");
  return listed.trim().split("\n").sort();
}

/** What stands between backticks in prose. */
export function codeSpans(document: Document): string[] {
  return [...document.prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string);
}

/** Targets of links and pictures. */
export function links(document: Document): string[] {
  const text = document.prose.replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchors(document: Document): string[] {
  return [...document.prose.matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replace(/ /g, "-"),
  );
}

/** The first cells of the rows below a heading, up to the next one; without their backticks. */
export function firstCells(document: Document, heading: string): string[] {
  const start = document.lines.indexOf(heading);
  if (start < 0) throw new Error(`${document.path} has no heading "${heading}".`);
  const rest = document.lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#+ /.test(line));
  return (end < 0 ? rest : rest.slice(0, end))
    .map((line) => /^\| `([^`]+)` \|/.exec(line)?.[1])
    .filter((cell) => cell !== undefined);
}
