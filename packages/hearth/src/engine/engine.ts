// The engine as apps hold it: a handle on a worker that has a model loaded.

import { ChatCompletions } from "../openai/chat.js";
import { invalid, object, tokenIds } from "../openai/check.js";
import { Completions } from "../openai/completions.js";
import type { Backend } from "../openai/run.js";
import type { OpenParams, TemplateMessage, WorkerPort } from "../worker/protocol.js";
import type { WorkerClient } from "../worker/rpc.js";
import { checkOptions } from "./options.js";
import { startWorker } from "./start.js";
import type {
  Assets,
  Encoding,
  EngineInfo,
  EngineOptions,
  ForwardResult,
  Inspection,
  ModelOptions,
  TokenizerInfo,
} from "./types.js";

/** What differs between a page and Node. */
export interface AppPlatform {
  spawn(assets: Assets): WorkerPort;
  /** Address against which relative model addresses are read. */
  readonly baseUrl: string | undefined;
  /** An address or path that the worker understands. */
  resolveWasm(folder: string | URL): string;
}

/** Options of calls that run on the model. */
export interface CallOptions {
  signal?: AbortSignal;
}

/** What an engine and a tokenizer by itself have in common. Made by `openTokenizer`. */
export class Tokenizer<Info = TokenizerInfo> {
  /** What was opened. */
  readonly info: Info;
  /** @internal */
  protected readonly client: WorkerClient;

  /** @internal */
  constructor(client: WorkerClient, info: Info) {
    this.client = client;
    this.info = info;
  }

  /**
   * Token ids of a text.
   *
   * @param text A string, or UTF-8 bytes; bytes that are none are read as U+FFFD.
   * @param options `addSpecial` adds the tokens that the model expects around a text, `parseSpecial`
   * reads `"<|im_end|>"` and its like as single tokens; both default to false.
   * @throws HearthError `invalid_utf8` for a string with half a surrogate pair,
   * `unsupported_tokenizer` when the model has none,
   * `invalid_handle` after `close()`.
   * @example
   * const ids = await engine.tokenize("Hello there");
   */
  tokenize(
    text: string | Uint8Array,
    options: { addSpecial?: boolean; parseSpecial?: boolean } = {},
  ): Promise<number[]> {
    const { addSpecial = false, parseSpecial = false } = options;
    return this.client.send("tokenize", { text, addSpecial, parseSpecial });
  }

  /**
   * Token ids of a text, or of a pair of texts, and where in its text each token came from.
   *
   * @param text A string, or UTF-8 bytes; bytes that are none are read as U+FFFD.
   * @param options As for `tokenize`; `pair` is the second text, for models that compare two.
   * @throws HearthError as `tokenize` does.
   * @example
   * const { ids, offsets } = await engine.encode("Hello there");
   */
  encode(
    text: string | Uint8Array,
    options: { pair?: string | Uint8Array; addSpecial?: boolean; parseSpecial?: boolean } = {},
  ): Promise<Encoding> {
    const { pair, addSpecial = false, parseSpecial = false } = options;
    return this.client.send("encode", {
      text,
      ...(pair === undefined ? {} : { pair }),
      addSpecial,
      parseSpecial,
    });
  }

  /**
   * Text of token ids; bytes that are no UTF-8 become U+FFFD.
   *
   * @param options `skipSpecial` leaves control tokens out; default false.
   * @throws HearthError `invalid_argument`, `unsupported_tokenizer`, `invalid_handle`.
   * @example
   * const text = await engine.detokenize([19556, 28]);
   */
  async detokenize(
    ids: readonly number[],
    options: { skipSpecial?: boolean } = {},
  ): Promise<string> {
    const checked = tokenIds(ids, "ids");
    const { skipSpecial = false } = options;
    return this.client.send("detokenize", { ids: checked, skipSpecial });
  }

  /**
   * The prompt that the model's chat template makes of a conversation.
   *
   * @param messages Messages as in `chat.completions`, with whatever else the template reads.
   * @param options `tools`: functions that the model may call, `{ type: "function", function: { name,
   * description, parameters } }` each; `addGenerationPrompt`, true by default, ends with the start of the
   * assistant's answer; `variables` are what else the template asks for, such as `enable_thinking`.
   * @throws HearthError `missing_chat_template`, `bad_chat_template` with what the template says,
   * `invalid_argument`, `unsupported_tokenizer`, `invalid_handle`.
   * @example
   * const prompt = await engine.applyChatTemplate([{ role: "user", content: "Hello" }]);
   */
  async applyChatTemplate(
    messages: readonly TemplateMessage[],
    options: {
      tools?: readonly unknown[];
      addGenerationPrompt?: boolean;
      variables?: Record<string, unknown>;
    } = {},
  ): Promise<string> {
    const { tools = [], addGenerationPrompt = true, variables = {} } = options;
    if (!Array.isArray(messages)) throw invalid("messages", "must be a list of messages.");
    if (!Array.isArray(tools)) throw invalid("tools", "must be a list of functions.");
    const params = { messages: [...messages], tools: [...tools], addGenerationPrompt };
    return this.client.send("renderChat", { ...params, variables: object(variables, "variables") });
  }

  /**
   * Ends the worker and frees its memory. What is in flight rejects with `aborted`, later calls with
   * `invalid_handle`. Closing twice does nothing.
   * @example
   * await engine.close();
   */
  async close(): Promise<void> {
    await this.client.close();
  }
}

/**
 * A loaded model. Made by `createEngine`; one conversation is worked on at a time, and further
 * requests wait their turn.
 */
export class Engine extends Tokenizer<EngineInfo> {
  /** OpenAI's `chat.completions`. */
  readonly chat: { readonly completions: ChatCompletions };
  /** OpenAI's older `completions`: text continued, without a chat template. */
  readonly completions: Completions;

  /** @internal Use `createEngine`. */
  constructor(client: WorkerClient, info: EngineInfo) {
    super(client, info);
    const backend: Backend = {
      model: info.name,
      fingerprint: `hearth-${info.version}-${info.variant}`,
      generate: (params, options) => client.send("generate", params, options),
    };
    this.chat = { completions: new ChatCompletions(backend) };
    this.completions = new Completions(backend);
  }

  /**
   * Natural log-probability of each id but the first, given those before it: `ids.length - 1` values.
   * Perplexity is `exp(-mean)` of them.
   *
   * @param ids At least two token ids, at most as many as the context holds.
   * @throws HearthError `invalid_argument`, `context_overflow`, `aborted`, `invalid_handle`.
   * @example
   * const logprobs = await engine.score(await engine.tokenize("The cat sat on the mat."));
   */
  async score(ids: readonly number[], options: CallOptions = {}): Promise<Float32Array> {
    return this.client.send("score", { ids: tokenIds(ids, "ids") }, options);
  }

  /**
   * Logits after token ids.
   *
   * @param options `all` returns a row for every id and not for the last only; `reset`, true by
   * default, forgets what the session holds first, so false appends.
   * @returns Logits as float32, (rows, vocabSize).
   * @throws HearthError `invalid_argument`, `context_overflow`, `aborted`, `invalid_handle`.
   * @example
   * const { logits, vocabSize } = await engine.forward([1, 2, 3], { all: true });
   * const lastRow = logits.subarray(2 * vocabSize);
   */
  async forward(
    ids: readonly number[],
    options: CallOptions & { all?: boolean; reset?: boolean } = {},
  ): Promise<ForwardResult> {
    const { all = false, reset = true, ...call } = options;
    return this.client.send("forward", { ids: tokenIds(ids, "ids"), all, reset }, call);
  }
}

/** Starts a worker, has it do one opening operation, and ends it when that fails. */
async function openWorker<O extends "open" | "openTokenizer" | "inspect">(
  operation: O,
  options: EngineOptions,
  platform: AppPlatform,
) {
  const { signal, onProgress, assets = {} } = options;
  checkOptions(options);
  const params: OpenParams = {
    model: options.model,
    huggingFace: options.huggingFace,
    device: options.device ?? "auto",
    threads: options.threads,
    variant: options.variant,
    contextLength: options.contextLength,
    maxBatch: options.maxBatch,
    memoryLimit: options.memoryLimit,
    exact: options.exact,
    gpu: options.gpu,
    cacheDir: options.cacheDir,
    nativePath: options.nativePath,
    baseUrl: platform.baseUrl,
    wasmUrl: assets.wasm === undefined ? undefined : platform.resolveWasm(assets.wasm),
  };
  const onEvent = onProgress as ((event: unknown) => void) | undefined;
  return startWorker(operation, params, { assets, signal, onEvent }, platform);
}

/** `createEngine` on a platform. */
export async function openEngine(options: EngineOptions, platform: AppPlatform): Promise<Engine> {
  const { client, result } = await openWorker("open", options, platform);
  return new Engine(client, result as EngineInfo);
}

/** `openTokenizer` on a platform. */
export async function openTokenizerOn(
  model: ModelOptions["model"],
  options: Omit<ModelOptions, "model">,
  platform: AppPlatform,
): Promise<Tokenizer> {
  const { client, result } = await openWorker("openTokenizer", { ...options, model }, platform);
  return new Tokenizer(client, result as TokenizerInfo);
}

/** `inspect` on a platform. */
export async function inspectOn(
  model: ModelOptions["model"],
  options: Omit<ModelOptions, "model">,
  platform: AppPlatform,
): Promise<Inspection> {
  const { client, result } = await openWorker("inspect", { ...options, model }, platform);
  await client.close();
  return result as Inspection;
}
