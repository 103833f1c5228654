// For tests: a core that computes nothing. It keeps the real one's order of calls, so that a host that
// breaks it fails, and answers generations from a script.

import type {
  MethodName,
  ModelInfo,
  Request,
  Response,
  SessionGenerate,
  StepResult,
} from "../abi.generated.js";
import { type Core, encodeRequest, type RangeOptions, type RangeTarget } from "../core/core.js";
import type { Platform } from "../engine/host.js";
import { HearthError, throwIfAborted } from "../errors.js";
import { FileStore } from "../store/file-store.js";
import { MemoryBackend } from "../store/memory.js";
import type { StoredFile } from "../store/store.js";
import type { Port, WorkerPort } from "../worker/protocol.js";

/** SmolLM2-Instruct's chat template, as its GGUF file carries it. */
export const smolTemplate =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}" +
  "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face" +
  "<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + " +
  "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}" +
  "{{ '<|im_start|>assistant\n' }}{% endif %}";

export const fakeModelInfo: ModelInfo = {
  name: "Fake",
  architecture: "llama",
  license: "",
  parameters: 10,
  layers: 1,
  hiddenSize: 4,
  heads: 1,
  kvHeads: 1,
  headSize: 4,
  vocabSize: 256,
  trainedContext: 64,
  contextLength: 64,
  dtypes: [],
  quantization: "",
  weightBytes: 8,
  activationBytes: 8,
  kvBytes: 8,
};

/** The token that ends a turn. */
export const stopId = 255;

/** A step that decodes text: a token for each character, or the ids given. */
export function decoded(text: string, more: Partial<StepResult> = {}): StepResult {
  const ids = [...text].map((character) => character.charCodeAt(0));
  const none = { promptDone: 1, logprobs: [], finishReason: "" };
  return { phase: "decode", ids, text, ...none, ...more };
}

/** A step that ends the turn. */
export function ended(finishReason = "stop"): StepResult {
  const ids = finishReason === "stop" ? [stopId] : [];
  return decoded("", { phase: "done", ids, finishReason });
}

export class FakeCore implements Core {
  readonly device = "wasm";
  /** Every method called, in order. */
  readonly calls: string[] = [];
  /** Every generation asked for. */
  readonly generations: SessionGenerate[] = [];
  /** What was loaded, by address. */
  readonly loaded = new Map<number, Uint8Array>();
  closed = false;
  template = smolTemplate;
  /** Bytes of header that the core wants. */
  headerBytes = 8;
  /** Steps of the next generations; the last script is used again. */
  scripts: StepResult[][] = [[decoded("Hi"), decoded("!"), ended()]];
  /** Runs before a method answers; may throw. */
  before: (method: MethodName, request: unknown) => void | Promise<void> = () => {};
  #steps: StepResult[] | undefined;

  call<M extends MethodName>(method: M, request: Request<M>): Promise<Response<M>> {
    encodeRequest(method, request); // what the wire could not carry fails here
    return this.#answer(method, request);
  }

  async #answer<M extends MethodName>(method: M, request: Request<M>): Promise<Response<M>> {
    if (this.closed) throw new HearthError("invalid_handle");
    this.calls.push(method);
    await this.before(method, request);
    return this.respond(method, request as never) as Response<M>;
  }

  /** The answer to a call; a fake of more than this overrides it. */
  protected respond(method: MethodName, request: never): unknown {
    switch (method) {
      case "engineInfo":
        return { version: "0.1.0", variant: "fake", threads: 1 };
      case "fileOpen": {
        const { head } = request as Request<"fileOpen">;
        const enough = head.length >= this.headerBytes;
        return { file: enough ? 1 : 0, need: enough ? 0 : this.headerBytes, format: "gguf" };
      }
      case "fileContents":
        return { metadata: [], tensors: [] };
      case "modelInspect":
        return fakeModelInfo;
      case "modelOpen":
        return {
          model: 2,
          info: fakeModelInfo,
          ranges: [
            { file: 1, offset: 8, bytes: 4, address: 64, name: "a" },
            { file: 1, offset: 12, bytes: 4, address: 128, name: "b" },
          ],
          totalBytes: 8,
        };
      case "tokenizerOpen":
        return {
          tokenizer: 3,
          vocabSize: 256,
          chatTemplate: this.template,
          bosToken: "<s>",
          eosToken: "</s>",
          stopIds: [stopId],
        };
      case "tokenize":
        return { ids: [...(request as Request<"tokenize">).text] };
      case "encode": {
        const ids = [...(request as Request<"encode">).text];
        const zeros = ids.map(() => 0);
        const begins = ids.map((_, i) => i);
        const ends = ids.map((_, i) => i + 1);
        return { ids, begins, ends, second: zeros, typeIds: zeros, added: zeros };
      }
      case "detokenize":
        return { text: String.fromCharCode(...(request as Request<"detokenize">).ids) };
      case "sessionOpen":
        return { session: 4 };
      case "sessionGenerate": {
        const generation = request as SessionGenerate;
        if (this.#steps) throw new HearthError("busy");
        if (generation.promptIds.length === 0) throw new HearthError("empty_prompt");
        this.generations.push(generation);
        const script = this.scripts.length > 1 ? this.scripts.shift() : this.scripts[0];
        this.#steps = [...(script ?? [])];
        return { promptTokens: generation.promptIds.length, cachedTokens: 1 };
      }
      case "sessionStep": {
        const step = this.#steps?.shift() ?? decoded("."); // a script without an end goes on
        if (step.phase === "done") this.#steps = undefined;
        return step;
      }
      case "sessionAbort":
        this.#steps = undefined;
        return {};
      case "sessionScore":
        return { logprobs: (request as Request<"sessionScore">).ids.slice(1).map(() => -0.5) };
      case "sessionForward":
        return {
          rows: 1,
          vocabSize: 2,
          logits: new Uint8Array(new Float32Array([1.5, -2]).buffer),
        };
      default:
        return {};
    }
  }

  protected endGeneration(): void {
    this.#steps = undefined;
  }

  async load(range: RangeTarget, file: StoredFile, options: RangeOptions): Promise<void> {
    throwIfAborted(options.signal);
    const into = new Uint8Array(range.bytes);
    const read = await file.read(into, range.offset);
    if (read < range.bytes)
      throw new HearthError("truncated_data", undefined, { subject: options.name });
    this.loaded.set(range.address, into);
    options.onBytes?.(range.bytes);
  }

  close(): void {
    this.closed = true;
  }
}

/** A file in memory that counts how often it is closed. */
export class FakeFile implements StoredFile {
  closed = 0;
  constructor(readonly bytes: Uint8Array) {}
  get size(): number {
    return this.bytes.length;
  }
  read(into: Uint8Array, at: number): number {
    const part = this.bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }
  close(): void {
    this.closed++;
  }
}

/** A host's platform around a fake core and one file of bytes 0, 1, 2 … */
export function fakePlatform(
  core: Core,
  file = new FakeFile(Uint8Array.from({ length: 16 }, (_, i) => i)),
): Platform {
  return {
    startCore: async () => core,
    openGpu: async () => {
      throw new HearthError("unsupported_device", "There is no GPU in this test.");
    },
    resolveModel: async (model) => {
      if (model === "none") throw new HearthError("unknown_model", undefined, { subject: "none" });
      const name = String(model);
      return { name, weights: [{ key: name, name: `${name}.gguf`, urls: [] }] } as never;
    },
    openStore: async () => new FileStore(new MemoryBackend()),
    ensureFile: async (_store, source, { onProgress, signal } = {}) => {
      throwIfAborted(signal);
      onProgress?.({ loaded: 0, total: file.size, resumedFrom: 0 });
      onProgress?.({ loaded: file.size, total: file.size, resumedFrom: 0 });
      return { file, origin: source.path ? "file" : "network", downloadedBytes: file.size };
    },
  };
}

/** Two ends of a line in one thread. Messages are cloned and arrive later, as a worker's do. */
export function portPair(): { app: WorkerPort & { terminated: number }; worker: Port } {
  const deliver = (to: Port, message: unknown) => {
    const copy = structuredClone(message);
    setImmediate(() => {
      if (app.terminated === 0) to.onMessage?.(copy);
    });
  };
  const worker: Port = { onMessage: undefined, post: (message) => deliver(app, message) };
  const app = {
    onMessage: undefined as ((message: unknown) => void) | undefined,
    onLost: undefined as ((error: HearthError) => void) | undefined,
    terminated: 0,
    post: (message: unknown) => deliver(worker, message),
    terminate: () => {
      app.terminated++;
    },
  };
  return { app, worker };
}
