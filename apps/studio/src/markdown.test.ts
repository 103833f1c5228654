import { describe, expect, it } from "vitest";
import { type Block, type Inline, parseInline, parseMarkdown } from "./markdown.js";

/** A tree in one line, so that expectations can be read. */
function show(nodes: readonly (Block | Inline)[]): string {
  return nodes.map(one).join("");
}
function one(node: Block | Inline): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "break":
      return "⏎";
    case "rule":
      return "<hr>";
    case "code":
      return "language" in node
        ? `<pre ${node.language}>${node.text}</pre>`
        : `<code>${node.text}</code>`;
    case "strong":
      return `<b>${show(node.children)}</b>`;
    case "emphasis":
      return `<i>${show(node.children)}</i>`;
    case "paragraph":
      return `<p>${show(node.children)}</p>`;
    case "heading":
      return `<h${node.level}>${show(node.children)}</h${node.level}>`;
    case "list": {
      const name = node.ordered ? "ol" : "ul";
      const start = node.ordered ? ` ${node.start}` : "";
      return `<${name}${start}>${node.items.map((item) => `<li>${show(item)}</li>`).join("")}</${name}>`;
    }
  }
}

describe("parseMarkdown", () => {
  const cases: [name: string, source: string, tree: string][] = [
    ["nothing", "", ""],
    ["paragraphs, split by blank lines", "a\n\n\nb", "<p>a</p><p>b</p>"],
    ["line breaks inside a paragraph", "a\nb", "<p>a⏎b</p>"],
    ["headings", "# A\ntext\n### B ##", "<h1>A</h1><p>text</p><h3>B</h3>"],
    ["a hash that heads nothing", "#1 is best", "<p>#1 is best</p>"],
    ["rules", "a\n\n---\nb", "<p>a</p><hr><p>b</p>"],
    [
      "bullets right after a paragraph",
      "such as:\n- a\n- b",
      "<p>such as:</p><ul><li><p>a</p></li><li><p>b</p></li></ul>",
    ],
    ["numbers, with their start", "3. a\n4. b", "<ol 3><li><p>a</p></li><li><p>b</p></li></ol>"],
    [
      "loose lists as one list",
      "1. a\n\n2. b\n\nc",
      "<ol 1><li><p>a</p></li><li><p>b</p></li></ol><p>c</p>",
    ],
    [
      "nested lists",
      "- a\n  - b\n  - c\n- d",
      "<ul><li><p>a</p><ul><li><p>b</p></li><li><p>c</p></li></ul></li><li><p>d</p></li></ul>",
    ],
    [
      "bullets under numbers",
      "1. a\n   - b\n2. c",
      "<ol 1><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p></li></ol>",
    ],
    ["an item that goes on in the next line", "- a\n  b", "<ul><li><p>a⏎b</p></li></ul>"],
    [
      "two kinds of list as two lists",
      "- a\n1. b",
      "<ul><li><p>a</p></li></ul><ol 1><li><p>b</p></li></ol>",
    ],
    [
      "fenced code, as it is",
      "```js\nif (a) {\n  **b**\n}\n```\nc",
      "<pre js>if (a) {\n  **b**\n}</pre><p>c</p>",
    ],
    ["a fence still open", "a\n```py\nx = 1\n", "<p>a</p><pre py>x = 1\n</pre>"],
    ["a fence inside a longer one", "````\n```\n````", "<pre >```</pre>"],
    ["code in a list", "- a\n  ```\n  b\n  ```", "<ul><li><p>a</p><pre >b</pre></li></ul>"],
    ["HTML as text", "<script>alert(1)</script>", "<p><script>alert(1)</script></p>"],
  ];
  it.each(cases)("reads %s", (_name, source, tree) => {
    expect(show(parseMarkdown(source))).toBe(tree);
  });

  it("bounds the depth of lists", () => {
    const deep = Array.from({ length: 50 }, (_, level) => `${"  ".repeat(level)}- a`).join("\n");
    const depth = (blocks: readonly Block[]): number =>
      Math.max(
        0,
        ...blocks.map((b) => (b.kind === "list" ? 1 + Math.max(...b.items.map(depth)) : 0)),
      );
    expect(depth(parseMarkdown(deep))).toBe(6);
  });

  it("reads every prefix of an answer, as they arrive", () => {
    const answer = "# T\n\n1. **a** `b`\n   - c\n\n```js\nd\n```\n*e*";
    for (let end = 0; end <= answer.length; end++) {
      const text = show(parseMarkdown(answer.slice(0, end)));
      expect(text.includes("undefined")).toBe(false);
    }
    expect(show(parseMarkdown(answer))).toBe(
      "<h1>T</h1><ol 1><li><p><b>a</b> <code>b</code></p><ul><li><p>c</p></li></ul></li></ol>" +
        "<pre js>d</pre><p><i>e</i></p>",
    );
  });
});

describe("parseInline", () => {
  const cases: [source: string, tree: string][] = [
    ["a **b** c", "a <b>b</b> c"],
    ["__b__ and *i* and _i_", "<b>b</b> and <i>i</i> and <i>i</i>"],
    ["**b *i* b**", "<b>b <i>i</i> b</b>"],
    ["`**not bold**`", "<code>**not bold**</code>"],
    ["``a ` b``", "<code>a ` b</code>"],
    ["**open", "**open"],
    ["`open", "`open"],
    ["2 * 3 * 4", "2 * 3 * 4"],
    ["snake_case_name", "snake_case_name"],
    ["a\\*b\\*", "a*b*"],
    ["5*3=15 and 2*2=4", "5*3=15 and 2*2=4"],
  ];
  it.each(cases)("reads %s", (source, tree) => {
    expect(show(parseInline(source))).toBe(tree);
  });

  it("leaves very long runs as they are", () => {
    const long = `${"*a".repeat(5000)}**b**`;
    expect(parseInline(long)).toEqual([{ kind: "text", text: long }]);
  });
});
