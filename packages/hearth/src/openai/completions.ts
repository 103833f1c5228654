// `engine.completions`: text continued, in the shape of OpenAI's older API.

import { checkCompletion } from "./params.js";
import { type Backend, heading, runChoices, startStream } from "./run.js";
import type { Stream } from "./stream.js";
import type {
  Completion,
  CompletionParams,
  CompletionParamsNonStreaming,
  CompletionParamsStreaming,
  RequestOptions,
} from "./types.js";

export class Completions {
  readonly #backend: Backend;

  /** @internal */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /**
   * Continues a text, or token ids. No chat template is applied. Text gets the tokens that the model
   * expects around it; ids are taken as they are.
   *
   * @throws HearthError `invalid_argument` with the parameter as `subject`; `empty_prompt`,
   * `invalid_utf8`, `context_overflow`, `aborted`, `invalid_handle` after `close()`, `worker_lost`.
   *
   * @example
   * const { choices } = await engine.completions.create({ prompt: "Once upon", max_tokens: 8 });
   */
  create(params: CompletionParamsNonStreaming, options?: RequestOptions): Promise<Completion>;
  create(params: CompletionParamsStreaming, options?: RequestOptions): Promise<Stream<Completion>>;
  create(
    params: CompletionParams,
    options?: RequestOptions,
  ): Promise<Completion | Stream<Completion>>;
  async create(
    params: CompletionParams,
    options: RequestOptions = {},
  ): Promise<Completion | Stream<Completion>> {
    const request = checkCompletion(params);
    const head = { ...heading(this.#backend, "cmpl"), object: "text_completion" as const };
    if (!request.stream) {
      const signal = options.signal ?? undefined;
      const { choices, usage, timings } = await runChoices(this.#backend, request, signal);
      return {
        ...head,
        choices: choices.map(({ index, text, finishReason }) => ({
          index,
          text,
          logprobs: null,
          finish_reason: finishReason,
        })),
        usage,
        hearth: timings,
      };
    }
    const pending = request.includeUsage ? { usage: null } : {};
    return startStream<Completion>(
      this.#backend,
      request,
      options,
      (push) => ({
        onText: (index, text) =>
          push({
            ...head,
            choices: [{ index, text, logprobs: null, finish_reason: null }],
            ...pending,
          }),
        onChoice: ({ index, finishReason, timings }) =>
          push({
            ...head,
            choices: [{ index, text: "", logprobs: null, finish_reason: finishReason }],
            ...pending,
            hearth: timings,
          }),
      }),
      (totals, push) => push({ ...head, choices: [], ...totals }),
    );
  }
}
