// Finds out what this device can do and whether its GPU computes what the CPU does.

import type { Core } from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "../gpu/adapter.js";
import { runCheck } from "../gpu/checks.js";
import { PipelineCache } from "../gpu/compile.js";
import { forget, learn, placeOf } from "../gpu/memory.js";
import { reportOf } from "../gpu/report.js";
import type { Store } from "../store/store.js";
import { largestMemory } from "../wasm/core.js";
import { detectFeatures } from "../wasm/features.js";
import type { DiagnoseParams } from "../worker/protocol.js";
import type { DiagnoseProgress, Diagnosis, KernelReport } from "./diagnosis-types.js";
import type { Platform } from "./host.js";
import { coreParams, storeOptions } from "./on-gpu.js";
import { timeKernels } from "./time-kernels.js";
import { yieldNow } from "./yield.js";

interface Task {
  readonly signal: AbortSignal;
  emit(progress: DiagnoseProgress): void;
}

/**
 * Looks at the device and checks its kernels; nothing of it stays open.
 *
 * @throws HearthError what starting the core fails with, `aborted`. What is wrong with a GPU is part of
 * the answer.
 */
export async function runDiagnosis(
  platform: Platform,
  params: DiagnoseParams,
  task: Task,
): Promise<Diagnosis> {
  const { signal } = task;
  const store = await platform.openStore(storeOptions(params));
  if (params.forget) await forget(store);
  const core = await platform.startCore(coreParams(params), signal);
  const patient = new Patient(platform, params, task, core, store);
  try {
    throwIfAborted(signal);
    return await patient.examine();
  } finally {
    patient.leave();
    await core.close();
  }
}

class Patient {
  readonly #platform: Platform;
  readonly #params: DiagnoseParams;
  readonly #task: Task;
  readonly #core: Core;
  readonly #store: Store;
  #gpu: Gpu | undefined;
  #reason: string | undefined;

  constructor(platform: Platform, params: DiagnoseParams, task: Task, core: Core, store: Store) {
    this.#platform = platform;
    this.#params = params;
    this.#task = task;
    this.#core = core;
    this.#store = store;
  }

  leave(): void {
    this.#gpu?.device.destroy();
    this.#gpu = undefined;
  }

  async examine(): Promise<Diagnosis> {
    const { version } = await this.#core.call("engineInfo", {});
    const { bytes, available } = await this.#store.usage();
    await this.#open();
    const adapter = this.#gpu && reportOf(this.#gpu);
    const wasm = { ...detectFeatures(), memoryBytes: largestMemory() };
    const kernels = this.#params.kernels ? await this.#check(version) : [];
    const bandwidth = await this.#time(kernels);
    return {
      version,
      wasm,
      storage: { kind: this.#store.kind, bytes, ...(available === undefined ? {} : { available }) },
      ...(adapter ? { adapter } : {}),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(bandwidth === undefined ? {} : { bandwidth }),
      kernels,
    };
  }

  /** Any adapter will do: one in software can be wrong, too. */
  async #open(): Promise<void> {
    const { signal } = this.#task;
    this.leave();
    try {
      this.#gpu = await this.#platform.openGpu({ ...this.#params.gpu, software: true }, signal);
    } catch (error) {
      throwIfAborted(signal);
      this.#reason = HearthError.from(error).message;
    }
  }

  async #check(version: string): Promise<KernelReport[]> {
    const first = this.#gpu;
    if (!first) return [];
    const { signal, emit } = this.#task;
    const { names } = await this.#core.call("gpuCheckNames", first.adapter);
    const place = placeOf(first.adapter.description, version);
    const reports: KernelReport[] = [];
    let pipelines = new PipelineCache(first.device);
    for (const [done, name] of names.entries()) {
      throwIfAborted(signal);
      emit({ phase: "check", kernel: name, done, total: names.length });
      if (!this.#gpu) break;
      const { key, verdict, failure } = await runCheck(this.#core, this.#gpu, pipelines, name);
      const { ok, error, tolerance } = verdict;
      const why = failure === undefined ? {} : { failure: failure.message };
      reports.push({ name, ok, error, tolerance, ...why });
      await learn(this.#store, place, { verdicts: { [key]: ok } });
      if (failure?.code === "device_lost") {
        // The others deserve a device of their own.
        await this.#open();
        if (this.#gpu) pipelines = new PipelineCache(this.#gpu.device);
      }
      await yieldNow();
    }
    return reports;
  }

  /** Adds speeds to the reports and answers with the bandwidth; of a real GPU only. */
  async #time(kernels: KernelReport[]): Promise<number | undefined> {
    const gpu = this.#gpu;
    if (!gpu || gpu.software || !this.#params.speeds) return undefined;
    const { signal, emit } = this.#task;
    emit({ phase: "time", kernel: "", done: 0, total: 1 });
    gpu.adapter.refused = kernels.filter(({ ok }) => !ok).map(({ name }) => name);
    const { speeds, bandwidth } = await timeKernels(this.#core, gpu, this.#store, signal);
    for (const report of kernels) Object.assign(report, speeds.get(report.name));
    return bandwidth;
  }
}
