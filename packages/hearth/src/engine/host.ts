// What runs in the worker: opens a model on a core, then answers the app's requests with it.

import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "../gpu/adapter.js";
import { ensureFile } from "../hub/ensure.js";
import { resolveModel } from "../hub/resolve.js";
import { ChatTemplate } from "../openai/template.js";
import { openStore } from "../store/store.js";
import type {
  BenchmarkParams,
  GenerateParams,
  OpenParams,
  Prompt,
  RenderParams,
  TemplateMessage,
} from "../worker/protocol.js";
import type { Call, Handlers } from "../worker/serve.js";
import { runBenchmark } from "./benchmark.js";
import type { BenchmarkResult } from "./benchmark-types.js";
import { runDiagnosis } from "./diagnose.js";
import { encode, utf8 } from "./encode.js";
import { type OpenFiles, obtainFiles, type WeightChecks } from "./files.js";
import { generate } from "./generate.js";
import {
  checkHead,
  checkHeaders,
  inspectModel,
  type Loaded,
  loadModel,
  loadTokenizer,
  needTokenizer,
  type OpenTokenizer,
} from "./load.js";
import { Meter } from "./meter.js";
import { onGpu } from "./on-gpu.js";
import { Place, type PlacePlatform } from "./place.js";
import { Queue } from "./queue.js";
import type { AdapterInfo, EngineInfo, ForwardResult, Inspection, TokenizerInfo } from "./types.js";

/** What differs between a browser's worker and Node's; and what tests replace. */
export interface Platform extends PlacePlatform {
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
  readonly tokenizer: OpenTokenizer | undefined;
  readonly template: ChatTemplate;
}

function templateOf(tokenizer: OpenTokenizer | undefined): ChatTemplate {
  const { chatTemplate = "", toolTemplate = "", bosToken = "", eosToken = "" } = tokenizer ?? {};
  return new ChatTemplate({ chat: chatTemplate, toolUse: toolTemplate }, { bosToken, eosToken });
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
      renderChat: async (params) => {
        const { tokenizer, template } = this.#need();
        needTokenizer(tokenizer);
        return template.render(params);
      },
      tokenize: (params) => this.#tokenize(params.text, params.addSpecial, params.parseSpecial),
      encode: async ({ text, pair, ...options }) => {
        const { core, tokenizer } = this.#need();
        const handle = needTokenizer(tokenizer).tokenizer;
        return encode(core, handle, text, pair, options);
      },
      detokenize: async (params) => {
        const { core, tokenizer } = this.#need();
        const request = { ...params, tokenizer: needTokenizer(tokenizer).tokenizer };
        return (await core.call("detokenize", request)).text;
      },
      score: ({ ids }, call) => this.#score(ids, call.signal),
      forward: (params, call) => this.#forward(params, call.signal),
      benchmark: (params, call) => this.#benchmark(params, call),
      diagnose: async (params, { signal, emit }) => {
        this.#claim();
        return runDiagnosis(this.#platform, params, { signal, emit });
      },
      close: async () => {
        const running = this.#running;
        this.#running = undefined;
        running?.loaded?.stepper.close();
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
    const load = async (place: Place, name: string, files: OpenFiles, meter: Meter) => {
      const loaded = await this.#load(place, name, files, params, meter, call.signal);
      const { core, gpu, reason } = place;
      const { version, variant, threads } = await core.call("engineInfo", {});
      throwIfAborted(call.signal);
      const { tokenizer } = loaded;
      this.#running = { core, loaded, tokenizer, template: templateOf(tokenizer) };
      const info: EngineInfo = {
        version,
        device: gpu ? "webgpu" : core.device,
        variant,
        threads,
        ...(gpu ? { adapter: adapterInfo(gpu) } : {}),
        ...(reason === undefined ? {} : { reason }),
        name,
        model: loaded.info,
        source: files.source,
        downloadedBytes: files.downloadedBytes,
        loadSeconds: (performance.now() - startedAt) / 1000,
        hasChatTemplate: (tokenizer?.chatTemplate ?? "") !== "",
      };
      return { info, keep: true };
    };
    const opened = await this.#withFiles(params, call, "run", load);
    return opened.info;
  }

  /** Loads the model where it should run, and else where it can. */
  async #load(
    place: Place,
    name: string,
    files: OpenFiles,
    params: OpenParams,
    meter: Meter,
    signal: AbortSignal,
  ): Promise<Loaded> {
    try {
      return await loadModel(place, name, files, params, meter, signal);
    } catch (error) {
      if (!place.mayLeaveGpu(error)) throw error;
      await place.leaveGpu(error, signal);
      return loadModel(place, name, files, params, meter, signal);
    }
  }

  async #benchmark(params: BenchmarkParams, call: Call<"benchmark">): Promise<BenchmarkResult> {
    this.#claim();
    return onGpu(this.#platform, params, call.signal, (parts) =>
      runBenchmark(params, { ...parts, emit: (progress) => call.emit(progress) }),
    );
  }

  async #openTokenizer(params: OpenParams, call: Call<"openTokenizer">): Promise<TokenizerInfo> {
    this.#claim();
    const opened = await this.#withFiles(
      params,
      call,
      "tokenizer",
      async ({ core }, name, files) => {
        const tokenizer = await loadTokenizer(core, files, call.signal);
        throwIfAborted(call.signal);
        this.#running = { core, loaded: undefined, tokenizer, template: templateOf(tokenizer) };
        const { vocabSize, bosToken, eosToken, stopIds, chatTemplate } = tokenizer;
        const info = { name, vocabSize, bosToken, eosToken, stopIds, chatTemplate };
        return { info, keep: true };
      },
    );
    return opened.info;
  }

  async #inspect(params: OpenParams, call: Call<"inspect">): Promise<Inspection> {
    const result = await this.#withFiles(
      params,
      call,
      "headers",
      async ({ core }, name, files) => ({
        inspection: await inspectModel(core, name, files, params, call.signal),
        keep: false,
      }),
    );
    return result.inspection;
  }

  /**
   * Gets the model's files and a place for it side by side, and closes whatever the work does not
   * keep. To run, the place may have a GPU, and a model that cannot run is refused by its first bytes.
   */
  async #withFiles<T extends { keep: boolean }>(
    params: OpenParams,
    call: Call<"open" | "openTokenizer" | "inspect">,
    purpose: "run" | "headers" | "tokenizer",
    work: (place: Place, name: string, files: OpenFiles, meter: Meter) => Promise<T>,
  ): Promise<T> {
    const meter = new Meter((progress) => call.emit(progress));
    // Ends one half when the other fails.
    const stop = new AbortController();
    const signal = AbortSignal.any([call.signal, stop.signal]);
    const toRun = purpose === "run";
    const starting = Place[toRun ? "choose" : "plain"](this.#platform, params, signal);
    // A core that does not start is reported by its own half.
    const started = () => starting.catch(() => undefined);
    const checks: WeightChecks = {
      head: (name, config) => async (head, size) => {
        const place = await started();
        if (!place) return 0;
        const file = { name, config, head, size };
        return where(place, signal, (gpu) => checkHead(place.core, file, params, gpu));
      },
      headers: async (weights, config) => {
        const place = await started();
        if (!place) return;
        const check = (gpu?: Gpu) => checkHeaders(place.core, weights, config, params, signal, gpu);
        await where(place, signal, check);
      },
    };
    const halves = [
      starting,
      this.#obtain(params, meter, signal, purpose, toRun ? checks : undefined),
    ] as const;
    for (const half of halves) half.catch(() => stop.abort());
    const [place, obtained] = await Promise.allSettled(halves);
    let keep = false;
    try {
      throwIfAborted(call.signal);
      // An aborted half is not the cause: the other one is.
      for (const half of [obtained, place]) {
        if (half.status === "rejected" && HearthError.from(half.reason).code !== "aborted") {
          throw half.reason;
        }
      }
      if (place.status === "rejected") throw place.reason;
      if (obtained.status === "rejected") throw obtained.reason;
      const result = await work(place.value, obtained.value.name, obtained.value.files, meter);
      keep = result.keep;
      return result;
    } finally {
      if (obtained.status === "fulfilled") obtained.value.files.close();
      if (place.status === "fulfilled" && !keep) await place.value.close();
    }
  }

  async #obtain(
    params: OpenParams,
    meter: Meter,
    signal: AbortSignal,
    purpose: "run" | "headers" | "tokenizer",
    checks: WeightChecks | undefined,
  ) {
    const { model, baseUrl, cacheDir, huggingFace } = params;
    throwIfAborted(signal);
    meter.start("compile", nameOf(model), "store");
    const store = await this.#platform.openStore(cacheDir === undefined ? {} : { cacheDir });
    const context = { signal, baseUrl, store, huggingFace };
    const resolved = await this.#platform.resolveModel(model, context);
    const { ensureFile: ensure } = this.#platform;
    const how = { store, ensure, meter, signal, checks, purpose };
    return { name: resolved.name, files: await obtainFiles(resolved, how) };
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
      ? this.#tokenize(template.render(conversation(prompt.messages)), false, true)
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
      text: utf8(text, "text"),
      addSpecial,
      parseSpecial,
    });
    return ids;
  }

  #score(ids: number[], signal: AbortSignal): Promise<Float32Array> {
    return this.#queue.run(async () => {
      const { stepper } = this.#needModel().loaded;
      return stepper.score(ids, signal);
    }, signal);
  }

  #forward(
    params: { ids: number[]; all: boolean; reset: boolean },
    signal: AbortSignal,
  ): Promise<ForwardResult> {
    return this.#queue.run(async () => {
      const { stepper } = this.#needModel().loaded;
      return stepper.forward(params, signal);
    }, signal);
  }
}

/** Before a download: whether the model can run on the GPU, else whether it can on the CPU. */
async function where<T>(
  place: Place,
  signal: AbortSignal,
  check: (gpu?: Gpu) => Promise<T>,
): Promise<T> {
  try {
    return await check(place.gpu);
  } catch (error) {
    if (!place.mayLeaveGpu(error)) throw error;
    await place.leaveGpu(error, signal);
    return check();
  }
}

/** A conversation for the assistant's next turn. */
function conversation(messages: TemplateMessage[]): RenderParams {
  return { messages, tools: [], addGenerationPrompt: true, variables: {} };
}

function nameOf(model: OpenParams["model"]): string {
  if (typeof model === "string") return model;
  return Array.isArray(model) ? (model[0]?.name ?? "") : (model as { name: string }).name;
}

function adapterInfo({ adapter, software }: Gpu): AdapterInfo {
  const { description, features } = adapter;
  return { description, features, software };
}
