// One generation: starts it in the core, steps until it is done, and reports each step.

import type { GeneratedToken } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { GenerateEvent, GenerateParams, GenerateResult } from "../worker/protocol.js";
import type { Loaded } from "./load.js";
import { yieldNow } from "./yield.js";

export interface GenerateOptions {
  readonly signal: AbortSignal;
  emit(event: GenerateEvent): void;
  /** Clock in seconds; for tests. */
  readonly now?: () => number;
}

/**
 * Runs a generation to its end.
 *
 * @param ids The prompt's tokens.
 * @throws HearthError `empty_prompt`, `context_overflow`, `aborted`, or what a step failed with. The
 * session is ready for the next generation in any case.
 */
export async function generate(
  core: Core,
  loaded: Loaded,
  ids: number[],
  params: GenerateParams,
  options: GenerateOptions,
): Promise<GenerateResult> {
  const now = options.now ?? (() => performance.now() / 1000);
  const { session, stepper } = loaded;
  const stopIds = new Set(loaded.tokenizer?.stopIds);
  throwIfAborted(options.signal);
  const startedAt = now();
  const { promptTokens, cachedTokens } = await core.call("sessionGenerate", {
    session,
    prompt: "",
    promptIds: ids,
    maxTokens: params.maxTokens,
    stop: params.stop,
    stopIds: [],
    sampling: params.sampling,
    logprobs: params.logprobs,
  });
  let ended = false;
  try {
    options.emit({ kind: "started", promptTokens, cachedTokens });
    let completionTokens = 0;
    let firstAt: number | undefined;
    let firstTokens = 0;
    for (;;) {
      await yieldNow();
      throwIfAborted(options.signal);
      const step = await stepper.step(options.signal);
      ended = step.phase === "done";
      completionTokens += step.ids.length;
      if (firstAt === undefined && step.ids.length > 0) {
        firstAt = now();
        firstTokens = step.ids.length;
      }
      const logprobs = visible(step.logprobs, step.finishReason, stopIds);
      if (step.text !== "" || logprobs.length > 0) {
        options.emit({ kind: "text", text: step.text, logprobs });
      }
      if (!ended) continue;
      const { finishReason } = step;
      if (finishReason === "abort") throw new HearthError("aborted");
      if (finishReason !== "stop" && finishReason !== "length") {
        throw new HearthError("internal", "A generation ended without a reason.", {
          subject: finishReason,
        });
      }
      const endedAt = now();
      const decodeSeconds = endedAt - (firstAt ?? endedAt);
      const decoded = completionTokens - firstTokens;
      return {
        finishReason,
        promptTokens,
        cachedTokens,
        completionTokens,
        timings: {
          prefillSeconds: (firstAt ?? endedAt) - startedAt,
          decodeSeconds,
          tokensPerSecond: decodeSeconds > 0 ? decoded / decodeSeconds : 0,
        },
      };
    }
  } catch (error) {
    if (!ended) await quietly(() => stepper.abort());
    throw error;
  }
}

/** OpenAI's lists leave the token that ended the turn out. */
function visible(
  logprobs: GeneratedToken[],
  finishReason: string,
  stopIds: ReadonlySet<number>,
): GeneratedToken[] {
  const last = logprobs.at(-1);
  const ends = finishReason === "stop" && last !== undefined && stopIds.has(last.token.id);
  return ends ? logprobs.slice(0, -1) : logprobs;
}

/** The first error is the one to report, so a failure while cleaning up is dropped. */
async function quietly(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // The core is beyond help, and says so to the next call.
  }
}
