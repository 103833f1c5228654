/** What went wrong: the sentence, the code that programs know it by, and a way to try again. */
import type { Failure } from "../store.js";
import { CloseIcon } from "./Icons.js";

export function FailureBanner({
  failure,
  onRetry,
  onDismiss,
}: {
  failure: Failure;
  onRetry: () => void;
  onDismiss: () => void;
}) {
  const { code, message, subject, retry } = failure;
  return (
    <section class="failure" role="alert" data-testid="failure" data-code={code}>
      <div class="failure-text">
        <p class="failure-title">
          {retry === "load" ? "The model could not be loaded." : "There is no answer."}
        </p>
        <p>{message}</p>
        <p class="failure-code">
          <code>{code}</code>
          {subject !== "" && !message.includes(subject) && <span> · {subject}</span>}
        </p>
      </div>
      <div class="failure-buttons">
        <button type="button" class="secondary" data-testid="retry" onClick={onRetry}>
          Try again
        </button>
        <button
          type="button"
          class="quiet icon-button"
          aria-label="Dismiss"
          title="Dismiss"
          onClick={onDismiss}
        >
          <CloseIcon />
        </button>
      </div>
    </section>
  );
}
