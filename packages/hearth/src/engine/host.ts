// What runs in the worker: opens a model on a core, then answers the app's requests with it.

import type { TokenizerOpened } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import { ensureFile } from "../hub/ensure.js";
import { resolveModel } from "../hub/resolve.js";
import { wellFormed } from "../openai/check.js";
import { ChatTemplate } from "../openai/template.js";
import { openStore } from "../store/store.js";
import type { GenerateParams, OpenParams, Prompt } from "../worker/protocol.js";
import type { Call, Handlers } from "../worker/serve.js";
import { type CheckOf, type OpenFiles, obtainFiles } from "./files.js";
import { generate } from "./generate.js";
import {
  checkHead,
  inspectModel,
  type Loaded,
  loadModel,
  loadTokenizer,
  needTokenizer,
} from "./load.js";
import { Meter } from "./meter.js";
import { Queue } from "./queue.js";
import type { EngineInfo, ForwardResult, Inspection, TokenizerInfo } from "./types.js";

/** What differs between a browser's worker and Node's; and what tests replace. */
export interface Platform {
  /** Compiles and starts the core that the app asked for. */
  startCore(params: OpenParams, signal: AbortSignal): Promise<Core>;
  resolveModel: typeof resolveModel;
  openStore: typeof openStore;
  ensureFile: typeof ensureFile;
}

/** The parts that do not differ. */
export const hub = { resolveModel, openStore, ensureFile };

interface Running {
  readonly core: Core;
  /** Undefined when only the tokenizer was opened. */
  readonly loaded: Loaded | undefined;
  readonly tokenizer: TokenizerOpened | undefined;
  readonly template: ChatTemplate;
}

function templateOf(tokenizer: TokenizerOpened | undefined): ChatTemplate {
  const { chatTemplate = "", bosToken = "", eosToken = "" } = tokenizer ?? {};
  return new ChatTemplate(chatTemplate, { bosToken, eosToken });
}

export class Host {
  readonly #platform: Platform;
  readonly #queue = new Queue();
  #running: Running | undefined;
  #opening = false;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** The functions that `serve` calls. */
  handlers(): Handlers {
    return {
      open: (params, call) => this.#open(params, call),
      openTokenizer: (params, call) => this.#openTokenizer(params, call),
      inspect: (params, call) => this.#inspect(params, call),
      generate: (params, call) => this.#generate(params, call),
      tokenize: (params) => this.#tokenize(params.text, params.addSpecial, params.parseSpecial),
      detokenize: async (params) => {
        const { core, tokenizer } = this.#need();
        const request = { ...params, tokenizer: needTokenizer(tokenizer).tokenizer };
        return (await core.call("detokenize", request)).text;
      },
      score: ({ ids }, call) => this.#score(ids, call.signal),
      forward: (params, call) => this.#forward(params, call.signal),
      close: async () => {
        const running = this.#running;
        this.#running = undefined;
        await running?.core.close();
        return null;
      },
    };
  }

  /** A worker holds one model; a second one needs a worker of its own. */
  #claim(): void {
    if (this.#opening) throw new HearthError("busy", "This worker has a model already.");
    this.#opening = true;
  }

  async #open(params: OpenParams, call: Call<"open">): Promise<EngineInfo> {
    this.#claim();
    const startedAt = performance.now();
    const load = async (core: Core, name: string, files: OpenFiles, meter: Meter) => {
      const loaded = await loadModel(core, name, files, params, meter, call.signal);
      const { version, variant, threads } = await core.call("engineInfo", {});
      throwIfAborted(call.signal);
      const { tokenizer } = loaded;
      this.#running = { core, loaded, tokenizer, template: templateOf(tokenizer) };
      const info: EngineInfo = {
        version,
        device: core.device,
        variant,
        threads,
        name,
        model: loaded.info,
        source: files.source,
        downloadedBytes: files.downloadedBytes,
        loadSeconds: (performance.now() - startedAt) / 1000,
        hasChatTemplate: (tokenizer?.chatTemplate ?? "") !== "",
      };
      return { info, keep: true };
    };
    const opened = await this.#withFiles(params, call, load, { checkHeads: true });
    return opened.info;
  }

  async #openTokenizer(params: OpenParams, call: Call<"openTokenizer">): Promise<TokenizerInfo> {
    this.#claim();
    const opened = await this.#withFiles(params, call, async (core, name, files) => {
      const tokenizer = await loadTokenizer(core, files, call.signal);
      throwIfAborted(call.signal);
      this.#running = { core, loaded: undefined, tokenizer, template: templateOf(tokenizer) };
      const { vocabSize, bosToken, eosToken, stopIds, chatTemplate } = tokenizer;
      const info = { name, vocabSize, bosToken, eosToken, stopIds, chatTemplate };
      return { info, keep: true };
    });
    return opened.info;
  }

  async #inspect(params: OpenParams, call: Call<"inspect">): Promise<Inspection> {
    const { inspection } = await this.#withFiles(params, call, async (core, name, files) => ({
      inspection: await inspectModel(core, name, files, params, call.signal),
      keep: false,
    }));
    return inspection;
  }

  /**
   * Gets the model's files and a core side by side, and closes whatever the work does not keep. With
   * `checkHeads` a model that cannot run is refused by its first bytes.
   */
  async #withFiles<T extends { keep: boolean }>(
    params: OpenParams,
    call: Call<"open" | "openTokenizer" | "inspect">,
    work: (core: Core, name: string, files: OpenFiles, meter: Meter) => Promise<T>,
    { checkHeads = false } = {},
  ): Promise<T> {
    const meter = new Meter((progress) => call.emit(progress));
    // Ends one half when the other fails.
    const stop = new AbortController();
    const signal = AbortSignal.any([call.signal, stop.signal]);
    const starting = this.#platform.startCore(params, signal);
    const checkOf: CheckOf = (name, config) => async (head, size) => {
      // A core that does not start is reported by its own half.
      const core = await starting.catch(() => undefined);
      return core ? checkHead(core, { name, config, head, size }, params) : 0;
    };
    const halves = [
      starting,
      this.#obtain(params, meter, signal, checkHeads ? checkOf : undefined),
    ] as const;
    for (const half of halves) half.catch(() => stop.abort());
    const [core, obtained] = await Promise.allSettled(halves);
    let keep = false;
    try {
      throwIfAborted(call.signal);
      // An aborted half is not the cause: the other one is.
      for (const half of [obtained, core]) {
        if (half.status === "rejected" && HearthError.from(half.reason).code !== "aborted") {
          throw half.reason;
        }
      }
      if (core.status === "rejected") throw core.reason;
      if (obtained.status === "rejected") throw obtained.reason;
      const result = await work(core.value, obtained.value.name, obtained.value.files, meter);
      keep = result.keep;
      return result;
    } finally {
      if (obtained.status === "fulfilled") obtained.value.files.close();
      if (core.status === "fulfilled" && !keep) await core.value.close();
    }
  }

  async #obtain(params: OpenParams, meter: Meter, signal: AbortSignal, checkOf?: CheckOf) {
    const { model, baseUrl, cacheDir } = params;
    throwIfAborted(signal);
    meter.start("compile", typeof model === "string" ? model : model.name, "store");
    const resolved = await this.#platform.resolveModel(model, {
      signal,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(cacheDir === undefined ? {} : { cacheDir }),
    });
    const store = await this.#platform.openStore(cacheDir === undefined ? {} : { cacheDir });
    const { ensureFile } = this.#platform;
    const files = await obtainFiles(resolved, store, ensureFile, meter, signal, checkOf);
    return { name: resolved.name, files };
  }

  #need(): Running {
    if (!this.#running) throw new HearthError("invalid_handle", "The engine is not open.");
    return this.#running;
  }

  #needModel(): Running & { loaded: Loaded } {
    const running = this.#need();
    if (running.loaded) return { ...running, loaded: running.loaded };
    throw new HearthError("invalid_handle", "Only the tokenizer is open.");
  }

  #generate(params: GenerateParams, call: Call<"generate">) {
    return this.#queue.run(async () => {
      const { core, loaded, template } = this.#needModel();
      const ids = await this.#promptIds(params.prompt, template);
      return generate(core, loaded, ids, params, call);
    }, call.signal);
  }

  async #promptIds(prompt: Prompt, template: ChatTemplate): Promise<number[]> {
    if (prompt.kind === "ids") return prompt.ids;
    // A template writes the tokens around a conversation itself; plain text needs them added.
    return prompt.kind === "chat"
      ? this.#tokenize(template.render(prompt.messages), false, true)
      : this.#tokenize(prompt.text, true, true);
  }

  async #tokenize(
    text: string | Uint8Array,
    addSpecial: boolean,
    parseSpecial: boolean,
  ): Promise<number[]> {
    const { core, tokenizer } = this.#need();
    const { ids } = await core.call("tokenize", {
      tokenizer: needTokenizer(tokenizer).tokenizer,
      text: typeof text === "string" ? new TextEncoder().encode(wellFormed(text, "text")) : text,
      addSpecial,
      parseSpecial,
    });
    return ids;
  }

  #score(ids: number[], signal: AbortSignal): Promise<Float32Array> {
    return this.#queue.run(async () => {
      const { core, loaded } = this.#needModel();
      const { logprobs } = await core.call("sessionScore", { session: loaded.session, ids });
      return Float32Array.from(logprobs);
    }, signal);
  }

  #forward(
    params: { ids: number[]; all: boolean; reset: boolean },
    signal: AbortSignal,
  ): Promise<ForwardResult> {
    return this.#queue.run(async () => {
      const { core, loaded } = this.#needModel();
      const { session } = loaded;
      const { rows, vocabSize, logits } = await core.call("sessionForward", { session, ...params });
      // `bytes()` of the codec made this copy, so it starts its own buffer.
      return { rows, vocabSize, logits: floats(logits) };
    }, signal);
  }
}

/** Bytes as float32, without a copy where they are aligned. */
function floats(bytes: Uint8Array): Float32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}
