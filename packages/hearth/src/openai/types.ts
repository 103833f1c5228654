// OpenAI's request and response shapes, as far as Hearth supports them, with its extensions.
// Facts from OpenAI's public API reference.

import type { Timings } from "../engine/types.js";

/** A part of a message's content. Only text for now. */
export interface ContentPart {
  type: "text";
  text: string;
}

export interface ChatMessage {
  /** `"developer"` is read as `"system"`. */
  role: "system" | "developer" | "user" | "assistant";
  content: string | ContentPart[];
  name?: string;
}

/** What chat and text completions share. `null` means the same as absent. */
export interface SamplingOptions {
  /** Divides the logits; 0 always takes the likeliest token. 0 to 2, default 1. */
  temperature?: number | null;
  /** Keeps the likeliest tokens that together reach this probability. 0 to 1, default 1. */
  top_p?: number | null;
  /** Penalty per earlier occurrence in the output. -2 to 2, default 0. */
  frequency_penalty?: number | null;
  /** Penalty for having occurred in the output. -2 to 2, default 0. */
  presence_penalty?: number | null;
  /** Token id to addition to its logit, -100 to 100. */
  logit_bias?: Record<string, number> | null;
  /** Texts that end the output and are not part of it; at most 16. */
  stop?: string | string[] | null;
  /** Same seed, prompt and settings: same text. Random when absent. */
  seed?: number | null;
  /** Answers to generate, one after the other. 1 to 128, default 1. */
  n?: number | null;
  /** Extension: keeps the k likeliest tokens; 0, the default, keeps all. */
  top_k?: number | null;
  /** Extension: keeps tokens at least this fraction as likely as the likeliest. Default 0. */
  min_p?: number | null;
  /** Extension: divides the likelihood of tokens seen. Above 0 to 10; default 1 is off. */
  repetition_penalty?: number | null;
  /** Whatever the app calls the model; the engine answers with its own. */
  model?: string;
  stream_options?: { include_usage?: boolean } | null;
  /** Accepted and unused, as are the next ones: they do not change an answer. */
  user?: string;
  metadata?: Record<string, string> | null;
  store?: boolean | null;
  service_tier?: string | null;
}

export interface ChatParams extends SamplingOptions {
  /** The conversation, oldest first; at least one message. */
  messages: ChatMessage[];
  /** Tokens to generate at most; as many as the context holds when absent. */
  max_completion_tokens?: number | null;
  /** The older name of `max_completion_tokens`. */
  max_tokens?: number | null;
  /** Whether to report the log-probability of each token. */
  logprobs?: boolean | null;
  /** Alternatives to report for each token, 0 to 20; needs `logprobs`. */
  top_logprobs?: number | null;
  stream?: boolean | null;
}
export type ChatParamsNonStreaming = ChatParams & { stream?: false | null };
export type ChatParamsStreaming = ChatParams & { stream: true };

export interface CompletionParams extends SamplingOptions {
  /** Text or token ids to continue. */
  prompt: string | number[];
  /** Tokens to generate at most; default 16, as OpenAI's. */
  max_tokens?: number | null;
  stream?: boolean | null;
}
export type CompletionParamsNonStreaming = CompletionParams & { stream?: false | null };
export type CompletionParamsStreaming = CompletionParams & { stream: true };

export type FinishReason = "stop" | "length";

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: {
    /** Prompt tokens whose keys and values the session still had. */
    cached_tokens: number;
  };
}

export interface TopLogprob {
  token: string;
  /** Natural logarithm of the probability. */
  logprob: number;
  bytes: number[];
}
export interface TokenLogprobEntry extends TopLogprob {
  top_logprobs: TopLogprob[];
}
export interface ChoiceLogprobs {
  content: TokenLogprobEntry[];
  refusal: null;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  /** Unix time in seconds. */
  created: number;
  model: string;
  system_fingerprint: string;
  choices: {
    index: number;
    message: { role: "assistant"; content: string; refusal: null };
    logprobs: ChoiceLogprobs | null;
    finish_reason: FinishReason;
  }[];
  usage: Usage;
  /** Extension: the time it took, summed over the choices. */
  hearth: Timings;
}

export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /** Unix time in seconds, the same for each chunk. */
  created: number;
  model: string;
  system_fingerprint: string;
  choices: {
    index: number;
    delta: { role?: "assistant"; content?: string };
    logprobs: ChoiceLogprobs | null;
    finish_reason: FinishReason | null;
  }[];
  /** Only with `stream_options.include_usage`: null but in the last chunk. */
  usage?: Usage | null;
  /** Extension: the time a choice took, in the chunk that ends it; in all, beside `usage`. */
  hearth?: Timings;
}

/** A text completion, or with `stream` a part of one. */
export interface Completion {
  id: string;
  object: "text_completion";
  /** Unix time in seconds. */
  created: number;
  model: string;
  system_fingerprint: string;
  choices: {
    index: number;
    text: string;
    logprobs: null;
    /** null in the parts before the last. */
    finish_reason: FinishReason | null;
  }[];
  usage?: Usage | null;
  /** Extension: the time it took. */
  hearth?: Timings;
}

export interface RequestOptions {
  /** Aborts the generation, or the wait for its turn. */
  signal?: AbortSignal | null;
}
