// `engine.chat.completions`: conversations in OpenAI's shape.

import { checkChat } from "./params.js";
import { type Backend, heading, runChoices, startStream } from "./run.js";
import type { Stream } from "./stream.js";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatParams,
  ChatParamsNonStreaming,
  ChatParamsStreaming,
  RequestOptions,
  TokenLogprobEntry,
} from "./types.js";

export class ChatCompletions {
  readonly #backend: Backend;

  /** @internal */
  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /**
   * Answers a conversation. Requests are served one at a time, in the order they came.
   *
   * @param params  OpenAI's parameters. One that Hearth does not support is an error, unless it could
   * not change the answer.
   * @param options `signal` ends the generation, or the wait for its turn.
   * @returns The answer, or with `stream: true` its chunks as they come.
   * @throws HearthError `invalid_argument` with the parameter as `subject`; `missing_chat_template`,
   * `bad_chat_template`, `empty_prompt`, `invalid_utf8`, `context_overflow`, `aborted`, `invalid_handle` after
   * `close()`, `worker_lost`.
   *
   * @example
   * const answer = await engine.chat.completions.create({
   *   messages: [{ role: "user", content: "What is a hearth?" }],
   *   max_tokens: 64,
   * });
   * console.log(answer.choices[0]?.message.content);
   */
  create(params: ChatParamsNonStreaming, options?: RequestOptions): Promise<ChatCompletion>;
  create(
    params: ChatParamsStreaming,
    options?: RequestOptions,
  ): Promise<Stream<ChatCompletionChunk>>;
  create(
    params: ChatParams,
    options?: RequestOptions,
  ): Promise<ChatCompletion | Stream<ChatCompletionChunk>>;
  async create(
    params: ChatParams,
    options: RequestOptions = {},
  ): Promise<ChatCompletion | Stream<ChatCompletionChunk>> {
    const request = checkChat(params);
    const head = heading(this.#backend, "chatcmpl");
    const withLogprobs = request.generate.logprobs >= 0;
    const logprobsOf = (content: TokenLogprobEntry[]) =>
      withLogprobs ? { content, refusal: null } : null;

    if (!request.stream) {
      const signal = options.signal ?? undefined;
      const { choices, usage, timings } = await runChoices(this.#backend, request, signal);
      return {
        ...head,
        object: "chat.completion",
        choices: choices.map((choice) => ({
          index: choice.index,
          message: { role: "assistant", content: choice.text, refusal: null },
          logprobs: logprobsOf(choice.logprobs),
          finish_reason: choice.finishReason,
        })),
        usage,
        hearth: timings,
      };
    }

    const chunk = (
      choices: ChatCompletionChunk["choices"],
      more: Partial<ChatCompletionChunk> = {},
    ): ChatCompletionChunk => ({
      ...head,
      object: "chat.completion.chunk",
      choices,
      ...(request.includeUsage ? { usage: null } : {}),
      ...more,
    });
    return startStream<ChatCompletionChunk>(
      this.#backend,
      request,
      options,
      (push) => ({
        onStarted(index) {
          const delta = { role: "assistant" as const, content: "" };
          push(chunk([{ index, delta, logprobs: null, finish_reason: null }]));
        },
        onText(index, content, entries) {
          const logprobs = logprobsOf(entries);
          push(chunk([{ index, delta: { content }, logprobs, finish_reason: null }]));
        },
        onChoice({ index, finishReason, timings }) {
          const last = { index, delta: {}, logprobs: null, finish_reason: finishReason };
          push(chunk([last], { hearth: timings }));
        },
      }),
      (totals, push) => push(chunk([], totals)),
    );
  }
}
