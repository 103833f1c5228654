/** Shows an answer's Markdown as elements. Only text nodes carry what the model wrote. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Block, type Inline, parseMarkdown } from "../markdown.js";
import { CopyButton } from "./CopyButton.js";

function InlineNode({ node }: { node: Inline }): JSX.Element {
  switch (node.kind) {
    case "text":
      return <>{node.text}</>;
    case "code":
      return <code>{node.text}</code>;
    case "strong":
      return (
        <strong>
          <InlineView nodes={node.children} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <InlineView nodes={node.children} />
        </em>
      );
    case "break":
      return <br />;
  }
}

function InlineView({ nodes }: { nodes: readonly Inline[] }) {
  return (
    <>
      {nodes.map((node) => (
        <InlineNode node={node} />
      ))}
    </>
  );
}

function ItemView({ blocks }: { blocks: readonly Block[] }) {
  const [first, ...rest] = blocks;
  // A tight item is one line of text, which needs no paragraph of its own around it.
  if (first?.kind !== "paragraph") return <BlocksView blocks={blocks} />;
  return (
    <>
      <InlineView nodes={first.children} />
      <BlocksView blocks={rest} />
    </>
  );
}

function CodeView({ language, text }: { language: string; text: string }) {
  return (
    <div class="code-block">
      <div class="code-head">
        <span>{language || "code"}</span>
        <CopyButton text={text} label="Copy code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region needs the keyboard. */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

function BlockView({ block }: { block: Block }): JSX.Element {
  switch (block.kind) {
    case "paragraph":
      return (
        <p>
          <InlineView nodes={block.children} />
        </p>
      );
    case "heading": {
      // The page's own headings are h1 and h2, so the answer's start below them.
      const Heading = block.level <= 2 ? "h3" : "h4";
      return (
        <Heading>
          <InlineView nodes={block.children} />
        </Heading>
      );
    }
    case "code":
      return <CodeView language={block.language} text={block.text} />;
    case "list": {
      const items = block.items.map((blocks) => (
        <li>
          <ItemView blocks={blocks} />
        </li>
      ));
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
    }
    case "rule":
      return <hr />;
  }
}

function BlocksView({ blocks }: { blocks: readonly Block[] }) {
  return (
    <>
      {blocks.map((block) => (
        <BlockView block={block} />
      ))}
    </>
  );
}

export function Markdown({ source }: { source: string }) {
  const blocks = useMemo(() => parseMarkdown(source), [source]);
  return (
    <div class="prose">
      <BlocksView blocks={blocks} />
    </div>
  );
}
