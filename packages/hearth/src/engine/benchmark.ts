// Times a model of a known shape on the GPU, with weights that are made up: nothing is downloaded, and
// no word of what it writes means anything. The generations are an engine's own, step for step.

import type { GpuPlan, GpuStep, ModelInfo, SamplingParams } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "../gpu/adapter.js";
import { type Bandwidth, measureBandwidth } from "../gpu/bandwidth.js";
import { countDispatches, type KernelTime, profileSteps } from "../gpu/kernel-times.js";
import { loadOnGpu } from "../gpu/load.js";
import type { GpuModel } from "../gpu/model.js";
import { GpuStepper, runAhead } from "../gpu/stepper.js";
import { isNode, type Store } from "../store/store.js";
import type { BenchmarkParams } from "../worker/protocol.js";
import type {
  BenchmarkProgress,
  BenchmarkResult,
  DecodeFigures,
  PrefillFigures,
  Samples,
} from "./benchmark-types.js";
import type { OpenFiles } from "./files.js";
import { generate } from "./generate.js";
import type { Loaded } from "./load.js";
import { median } from "./median.js";

export interface BenchmarkParts {
  readonly core: Core;
  readonly gpu: Gpu;
  /** Keeps what is learned about the GPU. */
  readonly store: Store;
  readonly signal: AbortSignal;
  emit(progress: BenchmarkProgress): void;
}

/** The likeliest token always: what needs least beside the model itself. */
const greedy: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyWindow: 0,
  seed: 0,
  logitBias: [],
};

/** A core that counts the milliseconds that its calls take. */
class TimedCore implements Core {
  readonly #core: Core;
  milliseconds = 0;
  readonly call: Core["call"];
  readonly load: Core["load"];

  constructor(core: Core) {
    this.#core = core;
    this.call = async (method, request) => {
      const startedAt = performance.now();
      const answer = await core.call(method, request);
      this.milliseconds += performance.now() - startedAt;
      return answer;
    };
    this.load = (range, file, options) => core.load(range, file, options);
  }

  get device() {
    return this.#core.device;
  }
  close() {
    return this.#core.close();
  }
}

/**
 * Runs the benchmark. The caller closes the core; the GPU is given back here.
 *
 * @throws HearthError `invalid_argument` for a shape that is not known; `out_of_memory`, `gpu_error`,
 * `device_lost`, `unsupported_device`; `aborted`.
 */
export async function runBenchmark(
  params: BenchmarkParams,
  parts: BenchmarkParts,
): Promise<BenchmarkResult> {
  const bench = await Benchmark.load(params, parts);
  try {
    return await bench.run();
  } finally {
    bench.close();
  }
}

class Benchmark {
  readonly #params: BenchmarkParams;
  readonly #parts: BenchmarkParts;
  readonly #core: TimedCore;
  readonly #model: GpuModel;
  readonly #info: ModelInfo;
  readonly #plan: GpuPlan;
  readonly #loaded: Loaded;
  readonly #bandwidth: Bandwidth;
  readonly #loadSeconds: number;

  private constructor(
    params: BenchmarkParams,
    parts: BenchmarkParts,
    ready: {
      core: TimedCore;
      model: GpuModel;
      plan: GpuPlan;
      loaded: Loaded;
      bandwidth: Bandwidth;
      loadSeconds: number;
    },
  ) {
    this.#params = params;
    this.#parts = parts;
    this.#core = ready.core;
    this.#model = ready.model;
    this.#info = ready.loaded.info;
    this.#plan = ready.plan;
    this.#loaded = ready.loaded;
    this.#bandwidth = ready.bandwidth;
    this.#loadSeconds = ready.loadSeconds;
  }

  static async load(params: BenchmarkParams, parts: BenchmarkParts): Promise<Benchmark> {
    const { gpu, signal, emit } = parts;
    const core = new TimedCore(parts.core);
    emit({ phase: "bandwidth", context: 0, done: 0, total: 1 });
    const bandwidth = await measureBandwidth(gpu, signal);
    const startedAt = performance.now();
    let done = 0;
    let total = 0;
    const load = () => emit({ phase: "load", context: 0, done, total });
    const request = {
      ...{ files: [], configJson: "", memoryLimit: 0, exact: false, gpu: [] },
      // The token before the first and those written are behind the context.
      contextLength: Math.max(params.prefill, ...params.contexts) + 1 + params.tokens,
      maxBatch: params.maxBatch ?? 0,
      shape: params.shape,
    };
    const { model, info, gpuModel } = await loadOnGpu(core, gpu, request, [], noFiles(parts), {
      signal,
      onTotal(bytes) {
        total = bytes;
        load();
      },
      onBytes(bytes) {
        done += bytes;
        load();
      },
      // A figure from two devices is none.
      reopen: () => Promise.reject(new HearthError("device_lost")),
    });
    const plan = await core.call("gpuPlan", { model });
    const { session } = await core.call("sessionOpen", { model, tokenizer: 0 });
    const ahead = isNode() ? runAhead.node : runAhead.browser;
    const { vocabSize } = info;
    const stepper = new GpuStepper(core, gpuModel, { session, vocabSize, ahead });
    const loaded = { session, stepper, info, tokenizer: undefined };
    const loadSeconds = (performance.now() - startedAt) / 1000;
    const ready = { core, model: gpuModel, plan, loaded, bandwidth, loadSeconds };
    return new Benchmark(params, parts, ready);
  }

  close(): void {
    this.#loaded.stepper.close();
  }

  async run(): Promise<BenchmarkResult> {
    const { gpu } = this.#parts;
    const { shape, contexts } = this.#params;
    const bandwidth = this.#bandwidth;
    const { version } = await this.#core.call("engineInfo", {});
    const [step] = await this.#steps(1, 0);
    if (!step) throw new HearthError("internal", "The core has no step for a token.");
    const { dispatches, perLayer, weightBytes } = countDispatches(this.#plan, step);
    const prefill = await this.#prefill();
    const decode: DecodeFigures[] = [];
    for (const context of contexts) {
      decode.push(await this.#decode(context, weightBytes, bandwidth.bytesPerSecond));
    }
    const { description, features, refused } = gpu.adapter;
    return {
      version,
      shape,
      adapter: { description, features, software: gpu.software },
      refused,
      model: this.#info,
      loadSeconds: this.#loadSeconds,
      bandwidth,
      dispatches,
      dispatchesPerLayer: perLayer,
      weightBytes,
      prefill,
      decode,
    };
  }

  /** Time to the first token, as a chat waits for it. */
  async #prefill(): Promise<PrefillFigures> {
    const { prefill: tokens } = this.#params;
    const runs = await this.#repeat("prefill", 0, async () => {
      const { timings } = await this.#generate(tokens, 0, 1);
      return timings.prefillSeconds;
    });
    const kernels = await this.#profile(tokens, 0);
    return { tokens, ...samplesOf(runs, tokens), kernels };
  }

  async #decode(context: number, weightBytes: number, bandwidth: number): Promise<DecodeFigures> {
    const { tokens } = this.#params;
    const spent = { core: 0, encode: 0, submit: 0, all: 0 };
    let counted = 0;
    const runs = await this.#repeat("decode", context, async (warm) => {
      const before = this.#spent();
      const { timings } = await this.#generate(context + 1, context, tokens + 1);
      const after = this.#spent();
      if (!warm) {
        counted += tokens + 1;
        spent.core += after.core - before.core;
        spent.encode += after.encode - before.encode;
        spent.submit += after.submit - before.submit;
        spent.all += (timings.prefillSeconds + timings.decodeSeconds) * 1000;
      }
      return timings.decodeSeconds;
    });
    const samples = samplesOf(runs, tokens);
    const [core, encode, submit] = [spent.core, spent.encode, spent.submit].map(
      (milliseconds) => milliseconds / counted,
    ) as [number, number, number];
    const wait = Math.max(0, spent.all / counted - core - encode - submit);
    const perPosition = this.#info.kvBytes / this.#info.contextLength;
    const bytesPerToken = weightBytes + perPosition * (context + tokens / 2);
    return {
      context,
      tokens,
      ...samples,
      bytesPerToken,
      bandwidthShare: (bytesPerToken * samples.tokensPerSecond) / bandwidth,
      milliseconds: { core, encode, submit, wait },
      kernels: await this.#profile(context + 1, context),
    };
  }

  #spent() {
    const { encode, submit } = this.#model.runner.spent;
    return { core: this.#core.milliseconds, encode, submit };
  }

  /** Seconds of each run but the first, which wakes up what sleeps. */
  async #repeat(
    phase: "prefill" | "decode",
    context: number,
    once: (warm: boolean) => Promise<number>,
  ): Promise<number[]> {
    const { repeat } = this.#params;
    const seconds: number[] = [];
    for (let i = 0; i <= repeat; i++) {
      this.#parts.emit({ phase, context, done: i, total: repeat + 1 });
      const taken = await once(i === 0);
      if (i > 0) seconds.push(taken);
    }
    return seconds;
  }

  /** Generates behind a prompt of which the session is made to believe that it holds a part. */
  async #generate(promptTokens: number, held: number, maxTokens: number) {
    const { signal } = this.#parts;
    throwIfAborted(signal);
    const { session } = this.#loaded;
    await this.#core.call("sessionPretend", { session, tokens: held });
    const ids = new Array<number>(promptTokens).fill(0);
    const request = { maxTokens, stop: [], sampling: greedy, logprobs: -1 };
    const params = { ...request, prompt: { kind: "ids" as const, ids } };
    return generate(this.#core, this.#loaded, ids, params, { signal, emit() {} });
  }

  /** The steps that bring a prompt to its first token; nothing is run. */
  async #steps(promptTokens: number, held: number): Promise<GpuStep[]> {
    const { session } = this.#loaded;
    await this.#core.call("sessionPretend", { session, tokens: held });
    await this.#core.call("sessionGenerate", {
      session,
      ...{ prompt: "", promptIds: new Array<number>(promptTokens).fill(0), maxTokens: 1 },
      ...{ stop: [], stopIds: [], sampling: greedy, logprobs: -1 },
    });
    const steps: GpuStep[] = [];
    for (;;) {
      const step = await this.#core.call("sessionSchedule", { session });
      if (step.programs.length === 0) break;
      steps.push(step);
    }
    await this.#core.call("sessionAbort", { session });
    return steps;
  }

  async #profile(promptTokens: number, held: number): Promise<KernelTime[]> {
    const { gpu, signal, emit } = this.#parts;
    if (!gpu.device.raw.features.has("timestamp-query")) return [];
    throwIfAborted(signal);
    emit({ phase: "profile", context: held, done: 0, total: 1 });
    const steps = await this.#steps(promptTokens, held);
    return profileSteps(this.#model.runner, this.#plan, steps);
  }
}

function samplesOf(seconds: number[], tokens: number): Samples {
  const medianSeconds = median(seconds);
  return { seconds, medianSeconds, tokensPerSecond: tokens / medianSeconds };
}

/** A model without files. */
function noFiles({ store }: BenchmarkParts): OpenFiles {
  const files: OpenFiles = {
    weights: [],
    config: undefined,
    tokenizer: undefined,
    tokenizerConfig: undefined,
    chatTemplate: undefined,
    source: "file",
    downloadedBytes: 0,
    totalBytes: 0,
    missingBytes: 0,
    license: "",
    store,
    reopen: async () => files,
    close() {},
  };
  return files;
}
