/** A model on its way: a bar, and in words how far it is and how long it takes. */
import type { Progress } from "../engine.js";
import { formatBytes, formatTimeLeft } from "../format.js";
import type { State } from "../store.js";

const phaseNames: Record<Progress["phase"], string> = {
  resolve: "Finding the model",
  download: "Downloading",
  compile: "Preparing the engine",
  load: "Loading into memory",
  ready: "Ready",
};

function details({ loaded, total, bytesPerSecond, secondsLeft }: Progress): string {
  const parts = [
    total > 0 ? `${formatBytes(loaded)} of ${formatBytes(total)}` : formatBytes(loaded),
  ];
  if (bytesPerSecond) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (secondsLeft !== undefined && Number.isFinite(secondsLeft) && loaded < total) {
    parts.push(`${formatTimeLeft(secondsLeft)} left`);
  }
  return parts.join(" · ");
}

export function Loading({ state, onCancel }: { state: State; onCancel: () => void }) {
  const { progress } = state;
  const model = state.models.find(({ id }) => id === state.modelId);
  const name = model?.name ?? state.files[0]?.name ?? state.address;
  const measured = progress?.phase === "download" || progress?.phase === "load";
  const known = measured && progress.total > 0;
  const percent = known ? Math.min(100, Math.floor((100 * progress.loaded) / progress.total)) : 0;
  const phase = progress ? phaseNames[progress.phase] : "Starting";
  return (
    <section class="loading" aria-labelledby="loading-title">
      <div class="loading-line">
        <h2 id="loading-title">{name}</h2>
        <button type="button" class="quiet" onClick={onCancel}>
          Cancel
        </button>
      </div>
      <div class="loading-line">
        <span role="status" data-testid="phase">
          {phase}
        </span>
        {known && <span class="figures">{percent} %</span>}
      </div>
      <progress
        aria-label={phase}
        {...(known ? { value: progress.loaded, max: progress.total } : {})}
      />
      <p class="loading-details figures" data-testid="details">
        {measured ? details(progress) : "\u00a0"}
      </p>
    </section>
  );
}
