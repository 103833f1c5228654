// What chat and text completions share: one generation after another for `n` choices, on one signal.

import type { GeneratedToken } from "../abi.generated.js";
import type { Timings } from "../engine/types.js";
import { HearthError } from "../errors.js";
import type { GenerateEvent, GenerateParams, GenerateResult } from "../worker/protocol.js";
import type { CheckedRequest } from "./params.js";
import { Stream } from "./stream.js";
import type {
  FinishReason,
  RequestOptions,
  TokenLogprobEntry,
  TopLogprob,
  Usage,
} from "./types.js";

/** Runs one generation in the worker. */
export type Generate = (
  params: GenerateParams,
  options: { onEvent: (event: GenerateEvent) => void; signal: AbortSignal | undefined },
) => Promise<GenerateResult>;

/** What completions need of their engine. */
export interface Backend {
  readonly generate: Generate;
  readonly model: string;
  readonly fingerprint: string;
}

/** The fields that each response and chunk begins with. */
export function heading(backend: Backend, prefix: string) {
  const random = crypto.getRandomValues(new Uint8Array(12));
  const id = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    id: `${prefix}-${id}`,
    created: Math.floor(Date.now() / 1000),
    model: backend.model,
    system_fingerprint: backend.fingerprint,
  };
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly logprobs: TokenLogprobEntry[];
  readonly finishReason: FinishReason;
  readonly timings: Timings;
}

/** What a caller may watch while choices are made. */
export interface Watcher {
  onStarted?(index: number): void;
  onText?(index: number, text: string, logprobs: TokenLogprobEntry[]): void;
  onChoice?(choice: Choice): void;
}

/** Generates each choice in turn. The seed grows by one a choice, so that choices differ. */
export async function runChoices(
  backend: Backend,
  request: CheckedRequest,
  signal: AbortSignal | undefined,
  watcher: Watcher = {},
): Promise<{ choices: Choice[]; usage: Usage; timings: Timings }> {
  const choices: Choice[] = [];
  const total = { prompt: 0, cached: 0, completion: 0, prefill: 0, decode: 0, decoded: 0 };
  for (let index = 0; index < request.n; index++) {
    let text = "";
    const logprobs: TokenLogprobEntry[] = [];
    const { sampling } = request.generate;
    const result = await backend.generate(
      { ...request.generate, sampling: { ...sampling, seed: sampling.seed + index } },
      {
        signal,
        onEvent(event) {
          if (event.kind === "started") {
            watcher.onStarted?.(index);
            return;
          }
          const entries = event.logprobs.map(logprobEntry);
          text += event.text;
          logprobs.push(...entries);
          watcher.onText?.(index, event.text, entries);
        },
      },
    );
    const { timings, finishReason } = result;
    const choice = { index, text, logprobs, finishReason, timings };
    choices.push(choice);
    watcher.onChoice?.(choice);
    // The prompt is the same for each choice and counts once, as OpenAI counts it.
    if (index === 0) {
      total.prompt = result.promptTokens;
      total.cached = result.cachedTokens;
    }
    total.completion += result.completionTokens;
    total.prefill += timings.prefillSeconds;
    total.decode += timings.decodeSeconds;
    total.decoded += timings.tokensPerSecond * timings.decodeSeconds;
  }
  return {
    choices,
    usage: {
      prompt_tokens: total.prompt,
      completion_tokens: total.completion,
      total_tokens: total.prompt + total.completion,
      prompt_tokens_details: { cached_tokens: total.cached },
    },
    timings: {
      prefillSeconds: total.prefill,
      decodeSeconds: total.decode,
      tokensPerSecond: total.decode > 0 ? total.decoded / total.decode : 0,
    },
  };
}

/**
 * Starts a streamed request. Resolves once the first generation has started, so that a prompt that is
 * too long, say, rejects the call and not the loop.
 */
export async function startStream<T>(
  backend: Backend,
  request: CheckedRequest,
  options: RequestOptions,
  watch: (push: (chunk: T) => void) => Watcher,
  onEnd: (totals: { usage: Usage; hearth: Timings }, push: (chunk: T) => void) => void,
): Promise<Stream<T>> {
  const controller = new AbortController();
  const given = options.signal ?? undefined;
  const signal = given ? AbortSignal.any([given, controller.signal]) : controller.signal;
  const stream = new Stream<T>(controller);
  const push = (chunk: T) => stream.push(chunk);
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(push);
    const started: Watcher = {
      ...watcher,
      onStarted(index) {
        watcher.onStarted?.(index);
        resolve();
      },
    };
    runChoices(backend, request, signal, started).then(
      ({ usage, timings }) => {
        if (request.includeUsage) onEnd({ usage, hearth: timings }, push);
        stream.end();
      },
      (error) => {
        const failure = HearthError.from(error);
        stream.end(failure);
        reject(failure);
      },
    );
  });
  return stream;
}

const decoder = new TextDecoder();

function topEntry(token: GeneratedToken["token"]): TopLogprob {
  return {
    token: decoder.decode(token.bytes),
    logprob: token.logprob,
    bytes: Array.from(token.bytes),
  };
}

function logprobEntry({ token, top }: GeneratedToken): TokenLogprobEntry {
  return { ...topEntry(token), top_logprobs: top.map(topEntry) };
}
