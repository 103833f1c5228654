/** An empty conversation: where the model came from, and a few questions to start with. */
import type { EngineInfo } from "../engine.js";
import { formatBytes, formatSeconds } from "../format.js";

/** Within what a model of a hundred million weights does well. */
const examples = [
  "What is the capital of France, and what is it known for?",
  "Write a short poem about the first snow.",
  "Explain to a child why the sky is blue.",
  "Give me three tips for sleeping better.",
];

function origin({ source, downloadedBytes, loadSeconds }: EngineInfo): string {
  const took = `ready in ${formatSeconds(loadSeconds)}`;
  return source === "network"
    ? `Downloaded ${formatBytes(downloadedBytes)}, kept on this device from now on; ${took}.`
    : `Loaded from this device, nothing downloaded; ${took}.`;
}

export function Examples({
  info,
  onPick,
}: {
  info: EngineInfo;
  onPick: (question: string) => void;
}) {
  return (
    <section class="welcome" aria-labelledby="examples-title">
      <h2 id="examples-title">Ask it something.</h2>
      <p class="lead" role="status" data-testid="origin">
        {origin(info)}
      </p>
      <ul class="examples" aria-label="Example questions">
        {examples.map((example) => (
          <li key={example}>
            <button type="button" class="example" onClick={() => onPick(example)}>
              {example}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
