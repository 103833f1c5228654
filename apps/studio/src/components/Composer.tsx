/** Where the question is written: Enter sends, Shift+Enter starts a line, Escape stops. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { SendIcon, StopIcon } from "./Icons.js";

export function Composer({
  input,
  generating,
  onSend,
  onStop,
}: {
  input: RefObject<HTMLTextAreaElement | null>;
  generating: boolean;
  /** Returns whether the question was taken; if not, it stays in the box. */
  onSend: (question: string) => boolean;
  onStop: () => void;
}) {
  const [draft, setDraft] = useState("");
  useLayoutEffect(() => {
    const box = input.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [draft, input]);

  const submit = () => {
    if (onSend(draft)) setDraft("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter chooses its word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="visually-hidden" for="question">
        Your question
      </label>
      <textarea
        id="question"
        ref={input}
        rows={1}
        placeholder="Ask anything"
        aria-describedby="composer-help"
        value={draft}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {generating ? (
        <button
          type="button"
          class="round"
          aria-label="Stop the answer"
          title="Stop (Escape)"
          data-testid="stop"
          onClick={onStop}
        >
          <StopIcon />
        </button>
      ) : (
        <button
          type="submit"
          class="round"
          aria-label="Send the question"
          title="Send (Enter)"
          data-testid="send"
          disabled={draft.trim() === ""}
        >
          <SendIcon />
        </button>
      )}
      <p id="composer-help" class="visually-hidden">
        Enter sends, Shift and Enter starts a new line, Escape stops an answer.
      </p>
    </form>
  );
}
