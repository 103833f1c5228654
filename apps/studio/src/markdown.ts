/**
 * The Markdown that chat models write, as a tree: paragraphs, headings, lists, fenced code, rules,
 * and inside a line code, bold and italics. Never HTML: the tree is turned into elements, so no
 * text of a model can become markup. Half-written input, as it streams in, is read as if it ended
 * well: an open fence runs to the end, an open ** is text.
 */

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis"; children: Inline[] }
  | { kind: "break" };

export type Block =
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "list"; ordered: boolean; start: number; items: Block[][] }
  | { kind: "rule" };

const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const rule = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const bullet = /^(\s*)([-*+])\s+(.*)$/;
const number = /^(\s*)(\d{1,9})[.)]\s+(.*)$/;

/** Lists deeper than this are read as text: no answer needs more, and recursion stays bounded. */
const maxDepth = 6;

/** Reads a whole document. Linear in its length but for nested lists, once per level. */
export function parseMarkdown(source: string): Block[] {
  return parseLines(source.replaceAll("\r\n", "\n").split("\n"), 0);
}

interface Marker {
  ordered: boolean;
  /** Column of the marker. */
  indent: number;
  /** Column where the item's text starts. */
  content: number;
  start: number;
  text: string;
}

function markerOf(line: string): Marker | undefined {
  if (rule.test(line)) return undefined;
  const match = bullet.exec(line) ?? number.exec(line);
  if (!match) return undefined;
  const [, space = "", mark = "", text = ""] = match;
  const ordered = /\d/.test(mark);
  return {
    ordered,
    indent: space.length,
    content: line.length - text.length,
    start: ordered ? Number(mark) : 1,
    text,
  };
}

function parseLines(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const endParagraph = () => {
    if (paragraph.length > 0) {
      blocks.push({ kind: "paragraph", children: parseInline(paragraph.join("\n")) });
    }
    paragraph = [];
  };

  let at = 0;
  while (at < lines.length) {
    const line = lines[at] as string;
    const opened = fence.exec(line);
    const titled = heading.exec(line);
    const marker = depth < maxDepth ? markerOf(line) : undefined;
    if (opened) {
      endParagraph();
      const [, ticks = "", language = ""] = opened;
      const end = findFenceEnd(lines, at + 1, ticks);
      blocks.push({ kind: "code", language, text: lines.slice(at + 1, end).join("\n") });
      at = end + 1;
    } else if (titled) {
      endParagraph();
      const [, marks = "", text = ""] = titled;
      blocks.push({ kind: "heading", level: marks.length, children: parseInline(text) });
      at++;
    } else if (rule.test(line)) {
      endParagraph();
      blocks.push({ kind: "rule" });
      at++;
    } else if (marker) {
      endParagraph();
      const list = readList(lines, at, marker, depth);
      blocks.push(list.block);
      at = list.end;
    } else {
      if (line.trim() === "") endParagraph();
      else paragraph.push(line.trim());
      at++;
    }
  }
  endParagraph();
  return blocks;
}

/** Index of the line that closes the fence, or one past the last line. */
function findFenceEnd(lines: readonly string[], from: number, ticks: string): number {
  for (let at = from; at < lines.length; at++) {
    const line = (lines[at] as string).trim();
    if (line.startsWith(ticks) && line.replaceAll(ticks[0] as string, "") === "") return at;
  }
  return lines.length;
}

function readList(
  lines: readonly string[],
  from: number,
  first: Marker,
  depth: number,
): { block: Block; end: number } {
  const items: Block[][] = [];
  let item = [first.text];
  let content = first.content;
  const endItem = () => items.push(parseLines(item, depth + 1));

  let at = from + 1;
  for (; at < lines.length; at++) {
    const line = lines[at] as string;
    const indent = line.length - line.trimStart().length;
    const marker = markerOf(line);
    if (line.trim() === "") {
      // Blank lines belong to the list only if the list goes on after them.
      const next = lines.slice(at).find((later) => later.trim() !== "");
      if (next === undefined) break;
      const goesOn = next.length - next.trimStart().length > first.indent;
      const sibling = markerOf(next);
      if (!goesOn && !(sibling && sibling.ordered === first.ordered)) break;
      item.push("");
    } else if (marker && marker.indent <= first.indent + 1) {
      if (marker.ordered !== first.ordered || marker.indent < first.indent) break;
      endItem();
      item = [marker.text];
      content = marker.content;
    } else if (indent > first.indent) {
      // Models indent loosely: take away what there is, up to where the item's text starts.
      item.push(line.slice(Math.min(indent, content)));
    } else if (item.at(-1) === "" || fence.test(line) || heading.test(line) || rule.test(line)) {
      break;
    } else {
      item.push(line);
    }
  }
  endItem();
  return { block: { kind: "list", ordered: first.ordered, start: first.start, items }, end: at };
}

/** Code first, as nothing inside it counts; then bold before italics; then line breaks. */
const inlineTokens =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)|__(?=\S)([\s\S]*?\S)__(?!\w)|(?<![\w*])\*(?=[^\s*])([^*\n]*?[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_\n]*?[^\s_])_(?!\w)|\\([!-/:-@[-`{-~])|\n/g;

/**
 * Longer runs of text are left as they are: the pattern above can take quadratic time on hostile
 * input, which at this length is still a few milliseconds.
 */
const maxInline = 8000;

export function parseInline(source: string): Inline[] {
  if (source.length > maxInline) return [{ kind: "text", text: source }];
  const out: Inline[] = [];
  const text = (piece: string) => {
    if (piece === "") return;
    const last = out.at(-1);
    if (last?.kind === "text") last.text += piece;
    else out.push({ kind: "text", text: piece });
  };
  let from = 0;
  for (const match of source.matchAll(inlineTokens)) {
    text(source.slice(from, match.index));
    from = match.index + match[0].length;
    const [, , code, bold1, bold2, italic1, italic2, escaped] = match;
    const bold = bold1 ?? bold2;
    const italic = italic1 ?? italic2;
    if (code !== undefined)
      out.push({ kind: "code", text: code.trim() === "" ? code : code.trim() });
    else if (bold !== undefined) out.push({ kind: "strong", children: parseInline(bold) });
    else if (italic !== undefined) out.push({ kind: "emphasis", children: parseInline(italic) });
    else if (escaped !== undefined) text(escaped);
    else out.push({ kind: "break" });
  }
  text(source.slice(from));
  return out;
}
