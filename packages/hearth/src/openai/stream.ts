// A stream of chunks, as openai-node's: iterate it once; leaving the loop ends the generation.

import { HearthError } from "../errors.js";

/**
 * Chunks as they are generated.
 *
 * @example
 * const stream = await engine.chat.completions.create({ messages, stream: true });
 * for await (const chunk of stream) show(chunk.choices[0]?.delta.content ?? "");
 */
export class Stream<T> implements AsyncIterable<T> {
  /** Aborts the generation; the loop then throws `aborted`. */
  readonly controller: AbortController;
  readonly #chunks: T[] = [];
  #outcome: { error: HearthError | undefined } | undefined;
  #wake: (() => void) | undefined;
  #taken = false;

  constructor(controller: AbortController = new AbortController()) {
    this.controller = controller;
  }

  /** Ends the generation. The same as `controller.abort()`. */
  abort(): void {
    this.controller.abort();
  }

  /** @internal The producer's side. */
  push(chunk: T): void {
    if (this.#outcome) return;
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  /** @internal Ends the stream, with an error or without. */
  end(error?: HearthError): void {
    this.#outcome ??= { error };
    this.#wake?.();
  }

  /** @throws HearthError `invalid_argument` when the stream is iterated a second time. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    if (this.#taken) {
      throw new HearthError("invalid_argument", "A stream can be iterated once only.", {
        subject: "stream",
      });
    }
    this.#taken = true;
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
        } else if (this.#outcome) {
          if (this.#outcome.error) throw this.#outcome.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      // The loop was left, by its end or by `break`: a generation still running is wanted no more.
      if (!this.#outcome) this.controller.abort();
    }
  }
}
