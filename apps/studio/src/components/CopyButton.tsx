/** Copies a text, and says so for a moment. */
import { useEffect, useState } from "preact/hooks";
import { CheckIcon, CopyIcon } from "./Icons.js";

/** Long enough to be seen, in milliseconds. */
const shown = 1600;

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [result, setResult] = useState<"copied" | "failed">();
  useEffect(() => {
    if (!result) return;
    const timer = setTimeout(() => setResult(undefined), shown);
    return () => clearTimeout(timer);
  }, [result]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setResult("copied"),
      () => setResult("failed"),
    );
  const said = result === "copied" ? "Copied" : result === "failed" ? "Could not copy" : "";
  return (
    <button
      type="button"
      class="quiet icon-button small"
      aria-label={label}
      title={label}
      onClick={copy}
    >
      {result === "copied" ? <CheckIcon /> : <CopyIcon />}
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </button>
  );
}
