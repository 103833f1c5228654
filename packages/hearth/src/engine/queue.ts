// Work that must run one at a time, in the order it came.

import { HearthError } from "../errors.js";

export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` once everything queued before it has settled. When the signal fires while it waits,
   * it rejects with `aborted` at once and never runs.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(new HearthError("aborted"));
    return new Promise<T>((resolve, reject) => {
      const leave = () => reject(new HearthError("aborted"));
      signal?.addEventListener("abort", leave, { once: true });
      this.#last = this.#last.then(async () => {
        signal?.removeEventListener("abort", leave);
        if (signal?.aborted) return;
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
