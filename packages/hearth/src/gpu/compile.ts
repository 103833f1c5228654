// WGSL to compute pipelines: asynchronously, and each only once a device.

import type { GpuPipeline, GpuPlan } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import type { Device } from "./device.js";
import { computeStage } from "./flags.js";

/** A compiled pipeline and the layout that bind groups for it need. */
export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly groupLayout: GPUBindGroupLayout;
}

/** Buffer binding types by their letter in a pipeline's layout. */
const bindingTypes: Record<string, GPUBufferBindingType> = {
  u: "uniform",
  r: "read-only-storage",
  w: "storage",
};

interface Module {
  readonly id: number;
  readonly module: GPUShaderModule;
}

/** The pipelines of a device. A model's plan and the checks of its kernels share them. */
export class PipelineCache {
  readonly #device: Device;
  readonly #modules = new Map<string, Module>();
  readonly #groupLayouts = new Map<string, GPUBindGroupLayout>();
  readonly #layouts = new Map<string, GPUPipelineLayout>();
  readonly #pipelines = new Map<string, Promise<Compiled>>();

  constructor(device: Device) {
    this.#device = device;
  }

  /**
   * Starts compiling a pipeline of a plan, unless that was done before. The promise rejects with
   * `gpu_error` that names the source, or `device_lost`.
   *
   * @param index The pipeline's place in the plan.
   */
  compile(plan: Pick<GpuPlan, "sources" | "pipelines">, index: number): Promise<Compiled> {
    const pipeline = plan.pipelines[index];
    if (!pipeline) throw new HearthError("internal", "A plan has no such pipeline.");
    const source = plan.sources[pipeline.source];
    if (!source) throw new HearthError("internal", "A pipeline names no source of its plan.");
    const compiled = this.#pipeline(source.name, source.code, pipeline);
    // Whoever waits for it hears of its failure; until then it is not unhandled.
    compiled.catch(() => {});
    return compiled;
  }

  #pipeline(name: string, code: string, pipeline: GpuPipeline): Promise<Compiled> {
    const { id, module } = this.#module(name, code);
    const constants = Object.fromEntries(pipeline.constants.map((each) => [each.name, each.value]));
    const key = `${id} ${pipeline.layout} ${JSON.stringify(constants)}`;
    const known = this.#pipelines.get(key);
    if (known) return known;
    const compiled = this.#create(name, module, constants, pipeline.layout);
    this.#pipelines.set(key, compiled);
    return compiled;
  }

  async #create(
    name: string,
    module: GPUShaderModule,
    constants: Record<string, number>,
    layout: string,
  ): Promise<Compiled> {
    this.#device.check();
    const groupLayout = this.#groupLayout(layout);
    const descriptor: GPUComputePipelineDescriptor = {
      label: name,
      layout: this.#layout(layout, groupLayout),
      compute: { module, entryPoint: "main", constants },
    };
    try {
      const created = this.#device.raw.createComputePipelineAsync(descriptor);
      return { pipeline: await this.#device.settle(created, name), groupLayout };
    } catch (error) {
      const failure = HearthError.from(error, "gpu_error", name);
      if (failure.code !== "gpu_error") throw failure;
      const message = (await this.#device.settle(firstMistake(module), name)) ?? failure.message;
      throw new HearthError("gpu_error", message, { subject: name, cause: error });
    }
  }

  #module(name: string, code: string): Module {
    const known = this.#modules.get(code);
    if (known) return known;
    // An invalid module reports to the innermost scope. Nobody waits for this one's answer: the
    // pipelines made of the module say what is wrong.
    this.#device.raw.pushErrorScope("validation");
    const module = this.#device.raw.createShaderModule({ label: name, code });
    this.#device.settle(this.#device.raw.popErrorScope(), name).catch(() => {});
    const made = { id: this.#modules.size, module };
    this.#modules.set(code, made);
    return made;
  }

  #groupLayout(layout: string): GPUBindGroupLayout {
    const known = this.#groupLayouts.get(layout);
    if (known) return known;
    const entries = [...layout].map((letter, binding): GPUBindGroupLayoutEntry => {
      const type = bindingTypes[letter];
      if (!type) throw new HearthError("internal", `No binding is of kind "${letter}".`);
      return { binding, visibility: computeStage, buffer: { type } };
    });
    const made = this.#device.raw.createBindGroupLayout({ label: layout, entries });
    this.#groupLayouts.set(layout, made);
    return made;
  }

  #layout(layout: string, groupLayout: GPUBindGroupLayout): GPUPipelineLayout {
    const known = this.#layouts.get(layout);
    if (known) return known;
    const made = this.#device.raw.createPipelineLayout({ bindGroupLayouts: [groupLayout] });
    this.#layouts.set(layout, made);
    return made;
  }
}

/** The compiler's first complaint about a module, with its place. */
async function firstMistake(module: GPUShaderModule): Promise<string | undefined> {
  const { messages } = await module.getCompilationInfo();
  const mistake = messages.find((message) => message.type === "error");
  return mistake && `${mistake.lineNum}:${mistake.linePos}: ${mistake.message}`;
}
