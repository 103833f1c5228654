// Turns counts of bytes into progress: a speed over the last seconds, the time left, and few enough
// reports that drawing them costs nothing.

import type { Progress, WeightSource } from "./types.js";

/** Seconds that the speed is averaged over: long enough to be steady, short enough to be true. */
const windowSeconds = 3;
/** Seconds between reports: twenty a second is as smooth as a bar gets. */
const intervalSeconds = 0.05;

export class Meter {
  readonly #report: (progress: Progress) => void;
  readonly #now: () => number;
  #samples: { at: number; bytes: number }[] = [];
  #reportedAt = Number.NEGATIVE_INFINITY;

  /** @param now Clock in seconds; for tests. */
  constructor(
    report: (progress: Progress) => void,
    now: () => number = () => performance.now() / 1000,
  ) {
    this.#report = report;
    this.#now = now;
  }

  /** Starts a phase: what was measured before does not count. */
  start(phase: Progress["phase"], file: string, source: WeightSource, total = 0): void {
    this.#samples = [];
    this.#reportedAt = Number.NEGATIVE_INFINITY;
    this.update({ phase, file, source, loaded: 0, total });
  }

  /** Reports, unless the last report was just now and this one is not the phase's last. */
  update(state: Pick<Progress, "phase" | "file" | "source" | "loaded" | "total">): void {
    const now = this.#now();
    this.#samples.push({ at: now, bytes: state.loaded });
    while (this.#samples.length > 2 && now - (this.#samples[0]?.at ?? now) > windowSeconds) {
      this.#samples.shift();
    }
    const finished = state.total > 0 && state.loaded >= state.total;
    if (!finished && now - this.#reportedAt < intervalSeconds) return;
    this.#reportedAt = now;
    const first = this.#samples[0];
    const seconds = first ? now - first.at : 0;
    const bytes = first ? state.loaded - first.bytes : 0;
    const bytesPerSecond = seconds > 0 ? Math.max(0, bytes) / seconds : 0;
    const left = state.total - state.loaded;
    const secondsLeft =
      state.total > 0 && bytesPerSecond > 0 ? Math.max(0, left) / bytesPerSecond : undefined;
    this.#report({ ...state, bytesPerSecond, secondsLeft: finished ? 0 : secondsLeft });
  }
}
