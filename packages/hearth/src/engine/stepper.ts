// What runs a session: the core itself, or a GPU that the core tells what to do (gpu/stepper.ts).

import type { StepResult } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import type { ForwardResult } from "./types.js";

export interface Stepper {
  /** The next step of the generation that `session_generate` started. */
  step(signal: AbortSignal): Promise<StepResult>;
  /** Ends the generation; the session is ready for the next. */
  abort(): Promise<void>;
  forward(
    params: { ids: number[]; all: boolean; reset: boolean },
    signal: AbortSignal,
  ): Promise<ForwardResult>;
  /** Log-probability of each id but the first. */
  score(ids: number[], signal: AbortSignal): Promise<Float32Array>;
  /** Gives back what is not the core's. */
  close(): void;
}

/** The core computes by itself. */
export class CoreStepper implements Stepper {
  readonly #core: Core;
  readonly #session: number;

  constructor(core: Core, session: number) {
    this.#core = core;
    this.#session = session;
  }

  async step(): Promise<StepResult> {
    return this.#core.call("sessionStep", { session: this.#session });
  }

  async abort(): Promise<void> {
    await this.#core.call("sessionAbort", { session: this.#session });
  }

  async forward(params: { ids: number[]; all: boolean; reset: boolean }): Promise<ForwardResult> {
    const request = { session: this.#session, ...params };
    const { rows, vocabSize, logits } = await this.#core.call("sessionForward", request);
    // `bytes()` of the codec made this copy, so it starts its own buffer.
    return { rows, vocabSize, logits: floats(logits) };
  }

  async score(ids: number[]): Promise<Float32Array> {
    const { logprobs } = await this.#core.call("sessionScore", { session: this.#session, ids });
    return Float32Array.from(logprobs);
  }

  close(): void {}
}

/** Bytes as float32, without a copy where they are aligned. */
function floats(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
