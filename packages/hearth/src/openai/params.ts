// Checks requests and turns them into what the worker takes. Nothing that would change an answer is
// ignored: a parameter that is not supported is an error that names it.

import type { SamplingParams } from "../abi.generated.js";
import type { GenerateParams, TemplateMessage } from "../worker/protocol.js";
import { boolean, integer, invalid, number, object, tokenIds, wellFormed } from "./check.js";

/** A checked request. */
export interface CheckedRequest {
  /** For the worker; `seed` is that of the first choice. */
  readonly generate: GenerateParams;
  readonly n: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

const sampling = [
  ...[
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "stop",
    "seed",
  ],
  ...["n", "top_k", "min_p", "repetition_penalty", "stream", "stream_options"],
];
// These do not change an answer: labels, billing and caching of a server.
const unused = [
  ...["model", "user", "metadata", "store", "service_tier", "safety_identifier"],
  ...["prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls"],
];
const chatOnly = ["messages", "max_completion_tokens", "max_tokens", "logprobs", "top_logprobs"];
const completionOnly = ["prompt", "max_tokens"];

// Parameters that Hearth does not support, in the one form that asks for nothing.
const asksNothing: Record<string, (value: unknown) => boolean> = {
  tools: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === "none",
  response_format: (value) => (value as { type?: unknown }).type === "text",
  modalities: (value) => Array.isArray(value) && value.every((mode) => mode === "text"),
  echo: (value) => value === false,
  best_of: (value) => value === 1,
};

function checkNames(params: Record<string, unknown>, own: readonly string[]): void {
  const known = new Set([...sampling, ...unused, ...own]);
  for (const [name, value] of Object.entries(params)) {
    if (known.has(name) || value === undefined || value === null) continue;
    if (!Object.hasOwn(asksNothing, name) || !asksNothing[name]?.(value)) {
      throw invalid(name, "is not supported.");
    }
  }
}

/** Most answers to one request, and most log-probabilities to a token: OpenAI's limits. */
const mostChoices = 128;
const mostTopLogprobs = 20;
/** OpenAI allows four; each costs a comparison a token, so a few more do no harm. */
const mostStops = 16;
const mostTokens = 0xffffffff;

function checkStop(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  if (stops.length > mostStops) throw invalid("stop", `must be at most ${mostStops} texts.`);
  for (const stop of stops) {
    if (typeof stop !== "string" || stop === "") {
      throw invalid("stop", "must be a text, or a list of texts, none of them empty.");
    }
    wellFormed(stop, "stop");
  }
  return stops as string[];
}

function checkBias(value: unknown): SamplingParams["logitBias"] {
  if (value === undefined || value === null) return [];
  return Object.entries(object(value, "logit_bias")).map(([key, bias]) => {
    if (!/^\d{1,10}$/.test(key) || Number(key) > 0xffffffff) {
      throw invalid("logit_bias", `has the key "${key}", which is no token id.`);
    }
    // A bias is not a default of anything, so null is not allowed here.
    if (typeof bias !== "number") throw invalid("logit_bias", `of ${key} must be a number.`);
    return { id: Number(key), bias: number(bias, "logit_bias", 0, { least: -100, most: 100 }) };
  });
}

function randomSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  // 53 bits, which a number holds exactly.
  return (high >>> 11) * 2 ** 32 + low;
}

function checkSampling(params: Record<string, unknown>): SamplingParams {
  const seeds = { least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER };
  const penalties = { least: -2, most: 2 };
  return {
    temperature: number(params.temperature, "temperature", 1, { least: 0, most: 2 }),
    topK: integer(params.top_k, "top_k", 0, { least: 0, most: 0xffffffff }),
    topP: number(params.top_p, "top_p", 1, { least: 0, most: 1 }),
    minP: number(params.min_p, "min_p", 0, { least: 0, most: 1 }),
    repetitionPenalty: number(params.repetition_penalty, "repetition_penalty", 1, {
      least: 0,
      most: 10,
      above: true,
    }),
    frequencyPenalty: number(params.frequency_penalty, "frequency_penalty", 0, penalties),
    presencePenalty: number(params.presence_penalty, "presence_penalty", 0, penalties),
    penaltyWindow: 0,
    seed: integer(params.seed ?? randomSeed(), "seed", 0, seeds),
    logitBias: checkBias(params.logit_bias),
  };
}

function checkStreaming(params: Record<string, unknown>) {
  const stream = boolean(params.stream, "stream");
  const given = params.stream_options ?? undefined;
  if (given === undefined) return { stream, includeUsage: false };
  if (!stream) throw invalid("stream_options", "is only for stream: true.");
  const options = object(given, "stream_options");
  return { stream, includeUsage: boolean(options.include_usage, "stream_options.include_usage") };
}

function checkContent(content: unknown, name: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(name, "must be a text or a list of parts.");
  const texts = content.map((part: unknown, index) => {
    const { type, text } = object(part, `${name}[${index}]`);
    if (type !== "text") {
      throw invalid(
        `${name}[${index}].type`,
        `"${String(type)}" is not supported; only "text" is.`,
      );
    }
    if (typeof text !== "string") throw invalid(`${name}[${index}].text`, "must be a text.");
    return text;
  });
  return texts.join("");
}

const roles: Record<string, TemplateMessage["role"]> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
};
const messageFields = new Set(["role", "content", "name"]);

function checkMessages(value: unknown): TemplateMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid("messages", "must be a list of at least one message.");
  }
  return value.map((raw: unknown, index) => {
    const at = `messages[${index}]`;
    const message = object(raw, at);
    for (const [field, given] of Object.entries(message)) {
      if (!messageFields.has(field) && given !== undefined && given !== null) {
        throw invalid(`${at}.${field}`, "is not supported.");
      }
    }
    const role = typeof message.role === "string" ? message.role : "";
    if (!Object.hasOwn(roles, role)) {
      throw invalid(`${at}.role`, `must be one of ${Object.keys(roles).join(", ")}.`);
    }
    const { name } = message;
    if (name !== undefined && name !== null && typeof name !== "string") {
      throw invalid(`${at}.name`, "must be a text.");
    }
    return {
      role: roles[role] as TemplateMessage["role"],
      content: checkContent(message.content, `${at}.content`),
      ...(typeof name === "string" ? { name } : {}),
    };
  });
}

/** Checks a chat request. Throws `invalid_argument` whose `subject` is the parameter. */
export function checkChat(given: unknown): CheckedRequest {
  const params = object(given, "params");
  checkNames(params, chatOnly);
  const messages = checkMessages(params.messages);
  const name = params.max_completion_tokens == null ? "max_tokens" : "max_completion_tokens";
  const wanted = params.max_completion_tokens ?? params.max_tokens;
  const logprobs = boolean(params.logprobs, "logprobs");
  const top = integer(params.top_logprobs, "top_logprobs", 0, { least: 0, most: mostTopLogprobs });
  if (top > 0 && !logprobs) throw invalid("top_logprobs", "needs logprobs: true.");
  return {
    generate: {
      prompt: { kind: "chat", messages },
      // 0 is the core's "as many as the context holds".
      maxTokens: integer(wanted, name, 0, { least: wanted == null ? 0 : 1, most: mostTokens }),
      stop: checkStop(params.stop),
      sampling: checkSampling(params),
      logprobs: logprobs ? top : -1,
    },
    n: integer(params.n, "n", 1, { least: 1, most: mostChoices }),
    ...checkStreaming(params),
  };
}

/** OpenAI's default for text completions. */
const completionTokens = 16;

/** Checks a text completion's request. Throws `invalid_argument` whose `subject` is the parameter. */
export function checkCompletion(given: unknown): CheckedRequest {
  const params = object(given, "params");
  checkNames(params, completionOnly);
  const { prompt } = params;
  return {
    generate: {
      prompt:
        typeof prompt === "string"
          ? { kind: "text", text: prompt }
          : { kind: "ids", ids: tokenIds(prompt, "prompt") },
      maxTokens: integer(params.max_tokens, "max_tokens", completionTokens, {
        least: 1,
        most: mostTokens,
      }),
      stop: checkStop(params.stop),
      sampling: checkSampling(params),
      logprobs: -1,
    },
    n: integer(params.n, "n", 1, { least: 1, most: mostChoices }),
    ...checkStreaming(params),
  };
}
