// For tests: a terminal of any width that remembers what was written, and an engine that computes
// nothing but keeps the package's promises.

import { PassThrough } from "node:stream";
import type {
  ChatCompletionChunk,
  Engine,
  EngineInfo,
  EngineOptions,
  Inspection,
  ModelInfo,
  Store,
  Tokenizer,
} from "hearth";
import { HearthError } from "hearth";
import { main } from "./cli.js";
import type { Context, Hearth, Input } from "./context.js";

export interface FakeTerminal {
  columns?: number;
  isTTY?: boolean;
  /** What is piped in; left out, standard input is a terminal where nobody types. */
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  hearth?: Partial<Hearth>;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Session {
  context: Context;
  /** What a person types. */
  input: PassThrough;
  outcome: Outcome;
  interrupt(): void;
}

/** A context around a fake terminal. Its clock moves a tenth of a second each time it is read. */
export function session(terminal: FakeTerminal = {}): Session {
  const outcome: Outcome = { code: -1, stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    isTTY: terminal.isTTY ?? false,
    columns: terminal.columns ?? 80,
    write: (text: string) => {
      outcome[name] += text;
    },
  });
  const input = new PassThrough();
  if (terminal.stdin !== undefined) input.end(terminal.stdin);
  const interrupts = new Set<() => void>();
  let ticks = 0;
  const context: Context = {
    hearth: terminal.hearth as Hearth,
    stdin: Object.assign(input, { isTTY: terminal.stdin === undefined }) as Input,
    stdout: output("stdout"),
    stderr: output("stderr"),
    env: terminal.env ?? {},
    now: () => ticks++ / 10,
    onInterrupt: (handler) => {
      interrupts.add(handler);
      return () => interrupts.delete(handler);
    },
  };
  const interrupt = () => {
    for (const handler of [...interrupts]) handler();
  };
  return { context, input, outcome, interrupt };
}

/** Runs a command line in a fake terminal. */
export async function hearth(args: readonly string[], terminal?: FakeTerminal): Promise<Outcome> {
  const { context, outcome } = session(terminal);
  outcome.code = await main(args, context);
  return outcome;
}

export const modelInfo: ModelInfo = {
  name: "SmolLM2 135M Instruct",
  architecture: "llama",
  license: "apache-2.0",
  parameters: 134_515_008,
  layers: 30,
  hiddenSize: 576,
  heads: 9,
  kvHeads: 3,
  headSize: 64,
  vocabSize: 49152,
  trainedContext: 8192,
  contextLength: 4096,
  dtypes: [
    { dtype: "Q4_1", tensors: 210, bytes: 66_355_200 },
    { dtype: "Q8_0", tensors: 1, bytes: 30_081_024 },
    { dtype: "F32", tensors: 61, bytes: 140_544 },
  ],
  quantization: "",
  weightBytes: 96_576_768,
  activationBytes: 3_145_728,
  kvBytes: 47_185_920,
};

export const engineInfo: EngineInfo = {
  version: "0.1.0",
  device: "wasm",
  variant: "relaxed-mt",
  threads: 2,
  name: "smollm2-135m-instruct",
  model: modelInfo,
  source: "store",
  downloadedBytes: 0,
  loadSeconds: 0.42,
  hasChatTemplate: true,
};

export const inspection: Inspection = {
  name: "smollm2-135m-instruct",
  license: "apache-2.0",
  totalBytes: 98_362_432,
  missingBytes: 98_362_432,
  memory: [
    {
      device: "wasm",
      contextLength: 4096,
      weightBytes: 96_632_832,
      activationBytes: 3_145_728,
      kvBytes: 47_185_920,
      bytes: 146_964_480,
    },
    {
      device: "webgpu",
      contextLength: 4096,
      weightBytes: 96_632_832,
      activationBytes: 6_291_456,
      kvBytes: 23_592_960,
      bytes: 126_517_248,
    },
    {
      device: "wasm",
      contextLength: 8192,
      weightBytes: 96_632_832,
      activationBytes: 3_145_728,
      kvBytes: 94_371_840,
      bytes: 194_150_400,
    },
  ],
  model: modelInfo,
  files: [
    {
      name: "SmolLM2-135M-Instruct.Q4_1.gguf",
      size: 98_405_952,
      format: "gguf",
      metadata: [
        { key: "general.architecture", type: "string", value: "llama" },
        { key: "tokenizer.ggml.tokens", type: "string[49152]", value: "<|endoftext|>\x1b[31m, …" },
      ],
      tensors: [
        {
          name: "token_embd.weight",
          dtype: "Q8_0",
          shape: [49152, 576],
          offset: 1_800_000,
          bytes: 30_081_024,
        },
        {
          name: "blk.0.attn_norm.weight",
          dtype: "F32",
          shape: [576],
          offset: 31_881_024,
          bytes: 2304,
        },
      ],
    },
  ],
};

/** What a fake engine was asked. */
export interface Calls {
  opened: EngineOptions[];
  requests: { messages: { role: string; content: string }[]; [member: string]: unknown }[];
  forwards: { ids: number[]; all: boolean; reset: boolean }[];
  closed: number;
}

export interface FakeEngine {
  /** Pieces of each answer, in turn; the last one is repeated. */
  answers?: string[][];
  /** Runs before each piece: tests press Ctrl-C or throw here. */
  beforePiece?: (index: number) => void | Promise<void>;
  /** The logits of a forward pass: one row for each id, or for the last one. */
  logits?: (
    ids: number[],
    all: boolean,
  ) => { rows: number; vocabSize: number; logits: Float32Array };
  info?: Partial<EngineInfo>;
  download?: number[];
}

/** A package whose engine answers with what it is told. */
export function fakeHearth(fake: FakeEngine = {}): { hearth: Partial<Hearth>; calls: Calls } {
  const calls: Calls = { opened: [], requests: [], forwards: [], closed: 0 };
  const usage = { prompt_tokens: 12, completion_tokens: 2, total_tokens: 14 };
  const timings = { prefillSeconds: 0.31, decodeSeconds: 0.1, tokensPerSecond: 21.4 };
  let answered = 0;

  async function* stream(signal?: AbortSignal): AsyncGenerator<ChatCompletionChunk> {
    const answers = fake.answers ?? [["Hello", " there"]];
    const pieces = answers[Math.min(answered++, answers.length - 1)] ?? [];
    for (const [index, content] of pieces.entries()) {
      await fake.beforePiece?.(index);
      if (signal?.aborted) throw new HearthError("aborted");
      yield { choices: [{ delta: { content } }] } as unknown as ChatCompletionChunk;
    }
    yield { choices: [], usage, hearth: timings } as unknown as ChatCompletionChunk;
  }

  const engine = {
    info: { ...engineInfo, ...fake.info },
    chat: {
      completions: {
        create: async (request: Calls["requests"][number], options?: { signal?: AbortSignal }) => {
          calls.requests.push(request);
          if (request.stream) return stream(options?.signal);
          let content = "";
          for await (const chunk of stream(options?.signal)) {
            content += chunk.choices[0]?.delta.content ?? "";
          }
          return { id: "chatcmpl-1", choices: [{ message: { content } }], usage, hearth: timings };
        },
      },
    },
    forward: async (ids: number[], { all, reset }: { all: boolean; reset: boolean }) => {
      calls.forwards.push({ ids: [...ids], all, reset });
      if (fake.logits === undefined) throw new HearthError("internal");
      return fake.logits(ids, all);
    },
    close: async () => {
      calls.closed++;
    },
  };
  const createEngine = async (options: EngineOptions) => {
    calls.opened.push(options);
    for (const loaded of fake.download ?? []) {
      options.onProgress?.({
        phase: "download",
        file: "model.gguf",
        loaded,
        total: fake.download?.at(-1) ?? 0,
        bytesPerSecond: 0,
        secondsLeft: undefined,
        source: "network",
      });
    }
    if (options.signal?.aborted) throw new HearthError("aborted");
    return engine as unknown as Engine;
  };
  return { hearth: { createEngine }, calls };
}

/** A tokenizer whose tokens are characters and whose ids are code points. */
export function fakeTokenizer(asked: unknown[] = []): Partial<Hearth> {
  const tokenizer = {
    tokenize: async (text: string, options: unknown) => {
      asked.push(options);
      return [...text].map((character) => character.codePointAt(0) as number);
    },
    encode: async (text: Uint8Array, options: unknown) => {
      asked.push(options);
      const characters = [...new TextDecoder().decode(text)];
      let end = 0;
      return {
        ids: characters.map((character) => character.codePointAt(0) as number),
        offsets: characters.map((character) => {
          const begin = end;
          end += new TextEncoder().encode(character).length;
          return [begin, end];
        }),
      };
    },
    detokenize: async (ids: readonly number[]) => String.fromCodePoint(...ids),
    close: async () => {},
  };
  return { openTokenizer: async () => tokenizer as unknown as Tokenizer };
}

/** A store in memory, and a network of models with one file each: name to size. */
export function fakeStore(network: Record<string, number>, stored: Record<string, number> = {}) {
  const files = new Map(Object.entries(stored));
  const store = {
    list: async () => [...files].map(([key, size]) => ({ key, size, complete: true })),
    usage: async () => ({ bytes: [...files.values()].reduce((a, b) => a + b, 0), available: 5e9 }),
    remove: async (key: string) => files.delete(key),
  };
  const hearth: Partial<Hearth> = {
    openStore: async () => store as unknown as Store,
    resolveModel: async (model) => {
      const name = String(model);
      if (!Object.hasOwn(network, name))
        throw new HearthError("unknown_model", undefined, { subject: name });
      const key = `${name}/model.gguf`;
      return { name, weights: [{ key, name: "model.gguf", size: network[name] ?? 0, urls: [] }] };
    },
    ensureFile: async (_store, source, options) => {
      const size = source.size ?? 0;
      const there = files.has(source.key);
      if (!there) {
        for (const part of [0.25, 0.5, 1]) {
          options?.onProgress?.({ loaded: size * part, total: size, resumedFrom: 0 });
        }
        files.set(source.key, size);
      }
      const file = { size, path: `cache/${source.key}`, read: () => 0, close: () => {} };
      return { file, origin: there ? "store" : "network", downloadedBytes: there ? 0 : size };
    },
  };
  return { hearth, files };
}
