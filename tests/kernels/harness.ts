// Runs one kernel of core/src/gpu/kernels on whatever adapter Dawn finds in Node, and gives its
// results back. Without a GPU that is SwiftShader, a software adapter: slow, but it computes what
// WGSL says.
import { readFileSync } from "node:fs";
import { create, globals } from "webgpu";
import { findSoftwareDriver } from "../../packages/hearth/src/testing/software-driver.js";

Object.assign(globalThis, globals);

const kernels = new URL("../../core/src/gpu/kernels/", import.meta.url);

/** Optional features that variants of kernels use; a device has those that its adapter has. */
const optional: GPUFeatureName[] = ["subgroups", "shader-f16", "timestamp-query"];

// Dawn frees the instance, and with it every device, when nothing refers to it.
let instance: GPU | undefined;

async function open(): Promise<GPUDevice> {
  findSoftwareDriver();
  instance = create([]);
  const adapter = await instance.requestAdapter();
  if (!adapter) {
    throw new Error(
      "No WebGPU adapter. Without a GPU, install Chromium for its SwiftShader, or set VK_DRIVER_FILES " +
        "to the manifest of a Vulkan driver.",
    );
  }
  const { limits } = adapter;
  return adapter.requestDevice({
    requiredFeatures: optional.filter((name) => adapter.features.has(name)),
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
    },
  });
}

let opened: Promise<GPUDevice> | undefined;

/**
 * The device of this test file: the first call opens it, and it fails where there is no adapter.
 */
export function device(): Promise<GPUDevice> {
  opened ??= open();
  return opened;
}

/**
 * A module of the files, by their names without ".wgsl", in the order given. WGSL wants `enable`
 * before all else, so a prelude that enables something comes first, then `step`, then the others.
 */
export function source(...files: string[]): string {
  return files.map((file) => readFileSync(new URL(`${file}.wgsl`, kernels), "utf8")).join("\n");
}

export interface Binding {
  /** As the bind group's layout has it: the kernel may not say otherwise. */
  kind: "uniform" | "read" | "rw";
  data: ArrayBufferView<ArrayBuffer>;
}

export interface Job {
  /** What `source` takes. */
  files: string[];
  /** Values of overrides; Dawn refuses names that the module does not declare. */
  constants?: Record<string, number>;
  /** Binding i of group 0 is entry i. */
  bindings: Binding[];
  /** Workgroups over x, y and z. */
  grid: [number, number?, number?];
}

const layoutTypes = { uniform: "uniform", read: "read-only-storage", rw: "storage" } as const;

const pipelines = new Map<string, Promise<GPUComputePipeline>>();

async function pipeline(gpu: GPUDevice, job: Job): Promise<GPUComputePipeline> {
  const kinds = job.bindings.map(({ kind }) => kind);
  const key = JSON.stringify([job.files, job.constants, kinds]);
  let made = pipelines.get(key);
  if (!made) {
    const group = gpu.createBindGroupLayout({
      entries: kinds.map((kind, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: layoutTypes[kind] },
      })),
    });
    const module = gpu.createShaderModule({ code: source(...job.files) });
    const { messages } = await module.getCompilationInfo();
    const wrong = messages.filter(({ type }) => type === "error");
    if (wrong.length > 0) {
      const texts = wrong.map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
      throw new Error(`${job.files.join(" + ")}: ${texts.join("; ")}`);
    }
    made = gpu.createComputePipelineAsync({
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [group] }),
      compute: { module, entryPoint: "main", constants: job.constants ?? {} },
    });
    pipelines.set(key, made);
  }
  return made;
}

/** Runs the kernel once; the contents of the "rw" bindings afterwards, in their order. */
export async function run(job: Job): Promise<ArrayBuffer[]> {
  const gpu = await device();
  for (const filter of ["validation", "out-of-memory", "internal"] as const) {
    gpu.pushErrorScope(filter);
  }
  const compute = await pipeline(gpu, job);
  const buffers = job.bindings.map(({ kind, data }) => {
    const usage =
      kind === "uniform"
        ? GPUBufferUsage.UNIFORM
        : GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const size = Math.ceil(data.byteLength / 4) * 4;
    const buffer = gpu.createBuffer({ size, usage, mappedAtCreation: true });
    new Uint8Array(buffer.getMappedRange()).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
    buffer.unmap();
    return buffer;
  });
  const group = gpu.createBindGroup({
    layout: compute.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(compute);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...job.grid);
  pass.end();
  const results = buffers
    .filter((_, i) => job.bindings[i]?.kind === "rw")
    .map((from) => {
      const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
      const to = gpu.createBuffer({ size: from.size, usage });
      encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
      return to;
    });
  gpu.queue.submit([encoder.finish()]);
  const errors = [await gpu.popErrorScope(), await gpu.popErrorScope(), await gpu.popErrorScope()];
  const error = errors.find((one) => one !== null);
  if (error) throw new Error(`${job.files.join(" + ")}: ${error.message}`);
  const contents: ArrayBuffer[] = [];
  for (const result of results) {
    await result.mapAsync(GPUMapMode.READ);
    contents.push(result.getMappedRange().slice(0));
  }
  for (const buffer of [...buffers, ...results]) buffer.destroy();
  return contents;
}

/** Binding 0 of all kernels but the `repack` ones: the struct of step.wgsl. */
export function step(values: {
  position?: number;
  tokens?: number;
  outputs?: number;
  draw?: number;
  history?: number;
}): Binding {
  const { position = 0, tokens = 1, outputs = 1, draw = 0, history = 0 } = values;
  // Eight words: uniform buffers are bound in units of 16 bytes.
  const data = new Uint32Array([position, tokens, outputs, draw, history, 0, 0, 0]);
  return { kind: "uniform", data };
}

/** What a kernel gets where it needs nothing: 256 bytes of NaN, so that using them shows. */
export function dummy(kind: "read" | "rw" = "read"): Binding {
  return { kind, data: new Uint32Array(64).fill(0x7fc00000) };
}

/** Random numbers that are the same in every run: the generator "mulberry32" by Tommy Ettinger. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  /** An integer from 0 to below `end`. */
  below(end: number): number {
    return this.bits() % end;
  }

  /** Floats spread evenly over [−scale, scale), each one a float exactly. */
  floats(count: number, scale = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: count }, () => (this.bits() / 2 ** 31 - 1) * scale);
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: count }, () => this.bits() & 0xff);
  }
}

/** Throws at the first element that is further than its bound from what is expected, or is NaN. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: number | ArrayLike<number>,
  what = "element",
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} elements, not ${expected.length}`);
  }
  for (let i = 0; i < expected.length; i++) {
    const limit = typeof bound === "number" ? bound : (bound[i] ?? 0);
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    // Negated, so that NaN fails.
    if (!(difference <= limit)) {
      throw new Error(`${what} ${i}: ${actual[i]}, not ${expected[i]} within ${limit}`);
    }
  }
}
