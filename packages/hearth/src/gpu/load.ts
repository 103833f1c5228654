// From a model's headers to weights on the GPU: the core's plan, the checks of its kernels, the load.

import type { GpuAdapter, GpuPlan, ModelInfo, Request } from "../abi.generated.js";
import type { Core } from "../core/core.js";
import type { OpenFiles } from "../engine/files.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { Gpu } from "./adapter.js";
import { checkKernels } from "./checks.js";
import { columnOrderBy } from "./column-order.js";
import { PipelineCache } from "./compile.js";
import { placeOf, recall } from "./memory.js";
import { byHandle, compilesAhead, GpuModel } from "./model.js";
import { Runner } from "./runner.js";

export interface GpuLoadOptions {
  readonly signal: AbortSignal;
  /** Called once it is known how many bytes there are. */
  onTotal(bytes: number): void;
  onBytes(bytes: number): void;
  /** Another device after a loss. */
  reopen(signal: AbortSignal): Promise<Gpu>;
}

interface Planned {
  readonly model: number;
  readonly info: ModelInfo;
  readonly plan: GpuPlan;
}

/** A plan can be refused so often: more than the core has variants of any kernel. */
const mostPlans = 64;

/**
 * Loads a model onto a GPU; the core is then ready for a session.
 *
 * @param handles The core's handles of the files, in the order of `files.weights`.
 * @throws HearthError `unsupported_device` when a kernel is wrong here and has no substitute;
 * `out_of_memory`, `gpu_error`, `device_lost`; what the core finds wrong with the files; `aborted`.
 */
export async function loadOnGpu(
  core: Core,
  gpu: Gpu,
  request: Request<"modelOpen">,
  handles: readonly number[],
  files: OpenFiles,
  options: GpuLoadOptions,
): Promise<{ model: number; info: ModelInfo; gpuModel: GpuModel }> {
  const { signal } = options;
  const pipelines = new PipelineCache(gpu.device);
  const { version } = await core.call("engineInfo", {});
  const place = placeOf(gpu.adapter.description, version);
  const learned = await recall(files.store, place);
  gpu.adapter.choices = learned.choices;
  const check = (plan: GpuPlan) =>
    checkKernels(core, gpu, pipelines, plan, { learned, memos: files.store, place, signal });
  const { model, info, plan } = await planModel(core, gpu.adapter, request, check);
  throwIfAborted(signal);

  options.onTotal(plan.loads.reduce((sum, load) => sum + load.bytes, 0));
  const rowBytes = info.vocabSize * 4;
  const columnOrder = columnOrderBy(core);
  const runner = await Runner.build(gpu.device, pipelines, plan, rowBytes, {
    files: byHandle(handles, files),
    signal,
    onBytes: options.onBytes,
    columnOrder,
    compileAhead: compilesAhead(gpu),
  });
  await core.call("modelReady", { model });
  const { features } = gpu.adapter;
  const reopen = async (again: AbortSignal) => {
    const other = await options.reopen(again);
    if (features.every((name) => other.adapter.features.includes(name))) return other;
    other.device.destroy();
    throw new HearthError("unsupported_device", "The GPU that is left can do less.", {
      subject: other.adapter.description,
    });
  };
  const parts = { plan, handles, rowBytes, columnOrder, reopen, files: files.reopen };
  return { model, info, gpuModel: new GpuModel(parts, runner) };
}

/** Has the core plan until it uses no kernel that is known to be wrong on this adapter. */
async function planModel(
  core: Core,
  adapter: GpuAdapter,
  request: Request<"modelOpen">,
  check: (plan: GpuPlan) => Promise<string[]>,
): Promise<Planned> {
  for (let tries = 0; tries < mostPlans; tries++) {
    const { model, info } = await core.call("modelOpen", { ...request, gpu: [adapter] });
    const plan = await core.call("gpuPlan", { model });
    const wrong = (await check(plan)).filter((name) => !adapter.refused.includes(name));
    if (wrong.length === 0) return { model, info, plan };
    adapter.refused.push(...wrong);
    await core.call("modelClose", { model });
  }
  throw new HearthError("internal", "The core goes on planning kernels that were refused.", {
    subject: adapter.refused.at(-1) ?? "",
  });
}
