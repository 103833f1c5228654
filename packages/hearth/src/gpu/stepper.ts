// Steps on the GPU. The core schedules them as far ahead as it can tell what they are, since the
// device itself knows the token that it sampled last; the host submits them and brings the answers
// back in order. When the device is lost, the model is built again on another and the core schedules
// anew what the session had.

import type { GpuStep, StepResult } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import type { Stepper } from "../engine/stepper.js";
import type { ForwardResult } from "../engine/types.js";
import { yieldNow } from "../engine/yield.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Runner, Submission } from "./runner.js";

/**
 * Steps submitted before the first one's answer is there. In Chromium a step that is waited for costs
 * 3.0 ms beside its work and one that is not 0.72, so the answers of some 4 steps are on their way
 * at any time; Dawn in Node answers within a step. Tokens past the end of a turn are computed in
 * vain, so more than needed is no gain.
 */
export const runAhead = { node: 4, browser: 6 } as const;

/** A model whose place may change: after a loss, `recover` builds it on another device. */
export interface Recoverable {
  readonly runner: Runner;
  /** Throws `device_lost` when there is no other device, and whatever loading fails with. */
  recover(signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface GpuStepperOptions {
  readonly session: number;
  readonly vocabSize: number;
  readonly ahead: number;
}

export class GpuStepper implements Stepper {
  readonly #core: Core;
  readonly #model: Recoverable;
  readonly #session: number;
  readonly #vocabSize: number;
  readonly #ahead: number;
  #underWay: Submission[] = [];
  /** Whether the device was lost since the request's last answer; a second loss then is its end. */
  #lost = false;
  /** Whether the core knows of a loss that nothing has made good yet. */
  #told = false;

  constructor(core: Core, model: Recoverable, options: GpuStepperOptions) {
    this.#core = core;
    this.#model = model;
    this.#session = options.session;
    this.#vocabSize = options.vocabSize;
    this.#ahead = options.ahead;
  }

  async step(signal: AbortSignal): Promise<StepResult> {
    for (;;) {
      try {
        await this.#replace(signal);
        const result = await this.#step();
        this.#lost = false;
        // Steps after the last were computed in vain; nobody takes what they answer.
        if (result.phase === "done") this.#underWay = [];
        return result;
      } catch (error) {
        await this.#recover(error, false, signal);
      }
    }
  }

  async #step(): Promise<StepResult> {
    await this.#schedule();
    const { step, data } = await this.#next();
    if (data) return this.#core.call("sessionTake", { session: this.#session, data });
    // A part of the prompt that ends in no logits: the core has nothing to add.
    const none = { ids: [], text: "", logprobs: [], finishReason: "" };
    return { phase: "prefill", promptDone: step.length, ...none };
  }

  async abort(): Promise<void> {
    this.#underWay = [];
    this.#lost = false;
    await this.#core.call("sessionAbort", { session: this.#session });
  }

  async forward(
    params: { ids: number[]; all: boolean; reset: boolean },
    signal: AbortSignal,
  ): Promise<ForwardResult> {
    const vocabSize = this.#vocabSize;
    let logits = new Float32Array();
    let rows = 0;
    await this.#pass(
      params,
      (total) => {
        rows = total;
        logits = new Float32Array(total * vocabSize);
      },
      (data, row) => {
        new Uint8Array(logits.buffer).set(data, row * vocabSize * 4);
      },
      signal,
    );
    return { rows, vocabSize, logits };
  }

  async score(ids: number[], signal: AbortSignal): Promise<Float32Array> {
    if (ids.length < 2) {
      throw new HearthError("empty_prompt", "Scoring takes at least two tokens.", {
        subject: "ids",
      });
    }
    const scores = new Float32Array(ids.length - 1);
    await this.#pass(
      { ids, all: true, reset: true },
      () => {},
      async (data, row) => {
        // After the last id nothing is asked for: it is run so that the session holds it too.
        const next = ids.slice(row + 1, row + 1 + data.length / 4 / this.#vocabSize);
        if (next.length === 0) return;
        const logits = data.subarray(0, next.length * this.#vocabSize * 4);
        const { logprobs } = await this.#core.call("logprobs", { ids: next, logits });
        scores.set(logprobs, row);
      },
      signal,
    );
    return scores;
  }

  close(): void {
    this.#underWay = [];
    this.#model.close();
  }

  /** Runs a forward pass and hands over its rows as they come, the first one's number with them. */
  async #pass(
    params: { ids: number[]; all: boolean; reset: boolean },
    begin: (rows: number) => void,
    take: (data: Uint8Array, row: number) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#lost = false;
    try {
      for (;;) {
        try {
          await this.#replace(signal);
          await this.#passOnce(params, begin, take, signal);
          return;
        } catch (error) {
          // The core knows what the session held before, and lets it go first.
          await this.#recover(error, true, signal);
        }
      }
    } catch (error) {
      // Half a pass is no state to go on from.
      await Promise.resolve(this.abort()).catch(() => {});
      throw error;
    }
  }

  async #passOnce(
    params: { ids: number[]; all: boolean; reset: boolean },
    begin: (rows: number) => void,
    take: (data: Uint8Array, row: number) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const request = { session: this.#session, ...params };
    const { rows } = await this.#core.call("sessionForwardBegin", request);
    begin(rows);
    for (let row = 0; row < rows; ) {
      await yieldNow();
      throwIfAborted(signal);
      await this.#schedule();
      const { step, data } = await this.#next();
      if (!data) continue;
      await take(data, row);
      row += step.outputs;
      this.#lost = false;
    }
  }

  /** Submits steps until the core has none, or enough are under way. */
  async #schedule(): Promise<void> {
    while (this.#underWay.length < this.#ahead) {
      const step: GpuStep = await this.#core.call("sessionSchedule", { session: this.#session });
      if (step.programs.length === 0) return;
      const { runner } = this.#model;
      await runner.prepare(step.programs);
      this.#underWay.push(runner.submit(step));
    }
  }

  async #next(): Promise<{ step: GpuStep; data: Uint8Array | undefined }> {
    const next = this.#underWay.shift();
    if (!next) throw new HearthError("internal", "The core has no step for the GPU.");
    const data = await next.answer;
    // What the device refused comes to light here; an answer after that is none.
    this.#model.runner.device.check();
    return { step: next.step, data };
  }

  /** Tells the core of a loss, so that the request can be tried again. Throws any other error. */
  async #recover(error: unknown, forwardAgain: boolean, signal: AbortSignal): Promise<void> {
    if (HearthError.from(error).code !== "device_lost" || this.#lost || this.#told) throw error;
    throwIfAborted(signal);
    this.#lost = true;
    this.#underWay = [];
    await this.#core.call("sessionLost", { session: this.#session, forwardAgain });
    this.#told = true;
  }

  /** Builds the model on another device, if the last one is known to be lost. */
  async #replace(signal: AbortSignal): Promise<void> {
    if (!this.#told) return;
    await this.#model.recover(signal);
    this.#told = false;
  }
}
