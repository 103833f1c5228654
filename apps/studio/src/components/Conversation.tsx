/** The turns so far, and the one being written. */
import { memo } from "preact/compat";
import { formatRate, formatSeconds } from "../format.js";
import type { Figures, Message } from "../store.js";
import { CopyButton } from "./CopyButton.js";
import { Markdown } from "./Markdown.js";

function words({ tokens, tokensPerSecond, firstTokenSeconds }: Figures): string[] {
  return [
    `${tokens} ${tokens === 1 ? "token" : "tokens"}`,
    `${formatRate(tokensPerSecond)} tokens/s`,
    `first after ${formatSeconds(firstTokenSeconds)}`,
  ];
}

const endings: Partial<Record<Message["status"], string>> = {
  stopped: "Stopped",
  length: "Cut off at the token limit",
};

function Answer({ message }: { message: Message }) {
  const { content, status, figures } = message;
  const writing = status === "writing";
  const ending = endings[status];
  const facts = [...(ending ? [ending] : []), ...(figures ? words(figures) : [])];
  return (
    <article class="turn answer" aria-label="Answer" aria-busy={writing} data-status={status}>
      {content === "" ? (
        <p class="thinking" role="status">
          <span class="visually-hidden">The model is reading the question</span>
          <i aria-hidden="true" />
          <i aria-hidden="true" />
          <i aria-hidden="true" />
        </p>
      ) : (
        <Markdown source={content} />
      )}
      {!writing && (
        <footer class="turn-foot">
          <CopyButton text={content} label="Copy the answer" />
          <span class="figures" data-testid="figures">
            {facts.join(" · ")}
          </span>
        </footer>
      )}
    </article>
  );
}

const Turn = memo(function Turn({ message }: { message: Message }) {
  if (message.role === "assistant") return <Answer message={message} />;
  return (
    <article class="turn question" aria-label="Question">
      {message.content}
    </article>
  );
});

export function Conversation({ messages }: { messages: readonly Message[] }) {
  return (
    <section class="conversation" role="log" aria-live="polite" aria-label="Conversation">
      {messages.map((message) => (
        <Turn key={message.id} message={message} />
      ))}
    </section>
  );
}
