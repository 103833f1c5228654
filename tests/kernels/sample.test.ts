// Sampling on the device against a port of core/src/sample/sampler.cc, which is the oracle.
import { describe, expect, test } from "vitest";
import { type Binding, device, Random, source, step } from "./harness.ts";

interface Settings {
  temperature: number;
  topP: number;
  minP: number;
  topK: number;
  repetition: number;
  frequency: number;
  presence: number;
  window: number;
  seed: bigint;
  bias: [id: number, bias: number][];
}

const plain: Settings = {
  temperature: 0,
  topP: 1,
  minP: 0,
  topK: 0,
  repetition: 1,
  frequency: 0,
  presence: 0,
  window: 0,
  seed: 0n,
  bias: [],
};

const penalizes = (s: Settings) =>
  s.repetition !== 1 || s.frequency !== 0 || s.presence !== 0 ? 1 : 0;

/** What binding 1 holds; never shorter than one bias. */
function encoded(s: Settings): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(12 + 2 * Math.max(1, s.bias.length));
  const floats = new Float32Array(words.buffer);
  floats.set([s.temperature, s.topP, s.minP], 0);
  words[3] = s.topK;
  floats.set([s.repetition, s.frequency, s.presence], 4);
  const seed = [Number(s.seed & 0xffffffffn), Number(s.seed >> 32n)];
  words.set([s.window, ...seed, s.bias.length, penalizes(s)], 7);
  s.bias.forEach(([id, bias], i) => {
    words[12 + 2 * i] = id;
    floats[13 + 2 * i] = bias;
  });
  return words;
}

/** The device's buffers between steps. */
interface State {
  history: number[];
  /** How many of the history are the prompt's. */
  prompt: number;
  counts: Uint32Array<ArrayBuffer>;
}

const context = 64;

/** Counts as the host fills them: of the window's ids. */
function countsOf(vocab: number, history: number[], prompt: number, window: number) {
  const counts = new Uint32Array(vocab);
  const begin = window > 0 ? Math.max(0, history.length - window) : 0;
  history.forEach((id, i) => {
    if (i >= begin) counts[id] = (counts[id] ?? 0) + (i >= prompt ? 0x10001 : 1);
  });
  return counts;
}

/** The kernels of a program, with their grids: as the head of sample.wgsl has them. */
type Program = [files: string[], grid: number, constants?: Record<string, number>][];

const greedy: Program = [
  [["sample_argmax"], 64],
  [["sample_pick"], 1],
];

/** The full program, without the filters that the settings leave out. */
function full({ topK, topP }: Settings): Program {
  const filters = [topK > 0, topP < 1];
  return [
    [["sample_argmax"], 64],
    [["sample_weights"], 64],
    ...filters.flatMap(
      (used, BY): Program =>
        [2, 3]
          .filter(() => used)
          .map((LEVEL) => [["sample_select", "sample_narrow"], 64, { BY, LEVEL }]),
    ),
    [["sample_select", "sample_sums"], 64],
    [["sample_select", "sample_draw"], 1],
  ];
}

const pipelines = new Map<string, GPUComputePipeline>();

function pipeline(
  gpu: GPUDevice,
  layout: GPUBindGroupLayout,
  files: string[],
  constants: Record<string, number>,
) {
  const key = JSON.stringify([files, constants]);
  const made =
    pipelines.get(key) ??
    gpu.createComputePipeline({
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: {
        module: gpu.createShaderModule({ code: source("step", "sample", ...files) }),
        constants,
      },
    });
  pipelines.set(key, made);
  return made;
}

let bindings: GPUBindGroupLayout | undefined;

/** Runs a whole program in one pass, as a step does, and gives what its buffers hold afterwards. */
async function dispatch(program: Program, data: Binding[], vocab: number) {
  const gpu = await device();
  gpu.pushErrorScope("validation");
  const types = { uniform: "uniform", read: "read-only-storage", rw: "storage" } as const;
  bindings ??= gpu.createBindGroupLayout({
    entries: data.map(({ kind }, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: types[kind] },
    })),
  });
  const layout = bindings;
  const buffers = data.map(({ kind, data: bytes }) => {
    const usage = kind === "uniform" ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE;
    const size = bytes.byteLength;
    const both = usage | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = gpu.createBuffer({ size, usage: both });
    gpu.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = gpu.createBindGroup({ layout, entries });
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setBindGroup(0, group);
  for (const [files, grid, constants] of program) {
    const all = { VOCAB: vocab, CONTEXT: context, ...constants };
    pass.setPipeline(pipeline(gpu, layout, files, all));
    pass.dispatchWorkgroups(grid);
  }
  pass.end();
  const copies = buffers.map((buffer) => {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const copy = gpu.createBuffer({ size: buffer.size, usage });
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    return copy;
  });
  gpu.queue.submit([encoder.finish()]);
  const error = await gpu.popErrorScope();
  if (error) throw new Error(error.message);
  await Promise.all(copies.map((copy) => copy.mapAsync(GPUMapMode.READ)));
  const results = copies.map((copy) => new Uint32Array(copy.getMappedRange().slice(0)));
  for (const buffer of [...buffers, ...copies]) buffer.destroy();
  return results;
}

async function choose(
  program: Program,
  logits: Float32Array<ArrayBuffer>,
  settings: Settings,
  state: State,
  draw = 0,
): Promise<number> {
  const vocab = logits.length;
  const history = new Uint32Array(context).fill(7);
  history.set(state.history);
  const rw = (data: Uint32Array<ArrayBuffer>): Binding => ({ kind: "rw", data });
  const after = await dispatch(
    program,
    [
      step({ draw, history: state.history.length }),
      { kind: "read", data: encoded(settings) },
      rw(new Uint32Array(logits.slice().buffer)),
      rw(state.counts),
      rw(history),
      rw(new Uint32Array(9536).fill(0xdeadbeef)), // scratch, as another step may leave it
      rw(new Uint32Array(4).fill(77)),
    ],
    vocab,
  );
  const [, , , counts, ids, , chosen] = after;
  expect([...(chosen ?? [])].slice(1)).toEqual([77, 77, 77]);
  const id = chosen?.[0] ?? -1;
  if (id !== 0xffffffff) state.history.push(id);
  expect([...(ids ?? [])].slice(0, state.history.length)).toEqual(state.history);
  state.counts = counts ?? state.counts;
  if (penalizes(settings) === 1) {
    const wanted = countsOf(vocab, state.history, state.prompt, settings.window);
    expect(state.counts).toEqual(wanted);
  }
  return id;
}

function fresh(vocab: number, history: number[] = [], window = 0): State {
  const prompt = history.length;
  return { history: [...history], prompt, counts: countsOf(vocab, history, prompt, window) };
}

/** Biases and penalties, in 32-bit floats as on the CPU. */
function adjusted(logits: Float32Array, s: Settings, state: State): Float32Array {
  const out = logits.slice();
  for (const [id, bias] of s.bias) out[id] = (out[id] ?? 0) + bias;
  if (penalizes(s) === 0) return out;
  countsOf(out.length, state.history, state.prompt, s.window).forEach((count, id) => {
    if (count === 0) return;
    let x = out[id] ?? 0;
    x = Math.fround(x > 0 ? x / s.repetition : x * s.repetition);
    if (count >>> 16 > 0) x -= s.presence + s.frequency * (count >>> 16);
    out[id] = x;
  });
  return out;
}

function argmax(logits: Float32Array): number {
  let best = -1;
  let largest = Number.NEGATIVE_INFINITY;
  logits.forEach((x, i) => {
    if (x > largest) {
      largest = x;
      best = i;
    }
  });
  return best;
}

describe("greedy", () => {
  // Fewer ids than pieces, as many as an invocation takes, and sizes that are no multiple of
  // anything.
  test.each([1, 5, 64, 1001, 50_257])("%i ids", async (vocab) => {
    const random = new Random(vocab);
    for (let i = 0; i < 4; i++) {
      const logits = random.floats(vocab, 10);
      expect(await choose(greedy, logits, plain, fresh(vocab))).toBe(argmax(logits));
    }
  });

  const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];

  test.each<[what: string, logits: number[], id: number]>([
    ["the first of equals", [1, 3, 2, 3, 3], 1],
    ["both zeros are equal", [-1, -0, 0, -0], 1],
    ["not NaN", [nan, -5, nan, -4, nan], 3],
    ["infinity", [1, inf, nan, inf], 1],
    ["not the other infinity", [-inf, -inf, -3e38, -inf], 2],
    ["the smallest floats differ", [0, 1e-45, 3e-45, -1e-45], 2],
    ["negative numbers", [-2, -1.5, -1.25, -7], 2],
    ["none where there is no number", [nan, -inf, nan], 0xffffffff],
  ])("chooses %s", async (_, logits, id) => {
    const data = Float32Array.from(logits);
    expect(await choose(greedy, data, plain, fresh(data.length))).toBe(id);
    // The same at the far end of a vocabulary, where another piece has it.
    const far = new Float32Array(301).fill(Number.NEGATIVE_INFINITY);
    far.set(data, 301 - data.length);
    const shifted = id === 0xffffffff ? id : id + 301 - data.length;
    expect(await choose(greedy, far, plain, fresh(301))).toBe(shifted);
  });

  test("with biases and penalties, over steps that push ids out of the window", async () => {
    const vocab = 300;
    const random = new Random(11);
    for (const window of [0, 1, 5]) {
      const settings: Settings = {
        ...plain,
        repetition: 1.3,
        frequency: 0.4,
        presence: 0.7,
        window,
        // Twice the same id: both count.
        bias: [
          [7, 1.5],
          [299, 2],
          [7, 0.5],
          [0, -100],
        ],
      };
      const state = fresh(vocab, [3, 7, 299, 7, 3, 3], window);
      const logits = random.floats(vocab, 2);
      for (let i = 0; i < 12; i++) {
        const wanted = argmax(adjusted(logits, settings, state));
        expect(await choose(greedy, logits, settings, state)).toBe(wanted);
      }
    }
  });
});

const mask = 0xffffffffn;

/** The number of philox.h for a seed and a step. */
function uniform(seed: bigint, draw: number): number {
  let counter = [BigInt(draw), 0n, 0n, 0n] as [bigint, bigint, bigint, bigint];
  let key = [seed & mask, seed >> 32n] as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const a = 0xd2511f53n * counter[0];
    const b = 0xcd9e8d57n * counter[2];
    counter = [
      (b >> 32n) ^ counter[1] ^ key[0],
      b & mask,
      (a >> 32n) ^ counter[3] ^ key[1],
      a & mask,
    ];
    key = [(key[0] + 0x9e3779b9n) & mask, (key[1] + 0xbb67ae85n) & mask];
  }
  return Number(counter[0] >> 8n) * 2 ** -24;
}

interface Candidate {
  id: number;
  weight: number;
}

/** What the CPU's filters keep, in the order of ids. */
function filtered(logits: Float32Array, s: Settings): Candidate[] {
  const largest = logits[argmax(logits)] ?? 0;
  let kept: Candidate[] = [];
  logits.forEach((x, id) => {
    const weight = Math.fround(Math.exp(Math.fround(Math.fround(x - largest) / s.temperature)));
    if (weight > 0 && weight >= s.minP) kept.push({ id, weight });
  });
  kept.sort((a, b) => b.weight - a.weight || a.id - b.id);
  if (s.topK > 0) kept = kept.slice(0, s.topK);
  if (s.topP < 1) {
    const wanted = Math.fround(s.topP) * kept.reduce((sum, { weight }) => sum + weight, 0);
    let reached = 0;
    const end = kept.findIndex(({ weight }) => {
      reached += weight;
      return reached >= wanted;
    });
    kept = kept.slice(0, end < 0 ? kept.length : end + 1);
  }
  return kept.sort((a, b) => a.id - b.id);
}

/**
 * Fails unless the CPU would have drawn this id, too, or the random number is so near the border of
 * the id's share that rounding decides: sums of weights on both sides are off by far less than 1e-5
 * of the total (a weight by 2e-6, from exp's error of 3 + 2 · |x| units at the x of about 20 that
 * matter).
 */
function expectDrawn(id: number, kept: Candidate[], s: Settings, draw: number): void {
  const total = kept.reduce((sum, { weight }) => sum + weight, 0);
  const target = uniform(s.seed, draw) * total;
  let before = 0;
  for (const candidate of kept) {
    const after = before + candidate.weight;
    if (candidate.id === id) {
      expect(target).toBeGreaterThanOrEqual(before - 1e-5 * total);
      expect(target).toBeLessThanOrEqual(after + 1e-5 * total);
      return;
    }
    before = after;
  }
  throw new Error(`${id} was cut.`);
}

describe("full", () => {
  const random = { ...plain, temperature: 1, seed: 0x0123456789abcdefn };
  /** Numbers of few kinds, so that many are equal. */
  const coarse = (vocab: number) =>
    new Random(vocab).floats(vocab, 4).map((x) => Math.round(x)) as Float32Array<ArrayBuffer>;
  const fine = (vocab: number) => new Random(vocab).floats(vocab, 8);
  const same = (vocab: number) => new Float32Array(vocab).fill(-3);

  // One draw each, and one vocabulary for most: a software adapter is slow at barriers and at making
  // pipelines. The step, and so the random number, differs from case to case.
  test.each<[what: string, logits: Float32Array<ArrayBuffer>, changed: Partial<Settings>]>([
    ["nothing cut", fine(1001), {}],
    ["a large vocabulary", fine(50_257), { topK: 500, topP: 0.95, temperature: 3 }],
    ["top_k", fine(1001), { topK: 40, temperature: 2.5 }],
    ["top_k of 1", fine(1001), { topK: 1, temperature: 10 }],
    ["top_k of more than all", fine(1001), { topK: 2000 }],
    ["top_k among equals", coarse(1001), { topK: 150, temperature: 5 }],
    ["top_k when all are equal", same(1001), { topK: 77 }],
    ["top_p", fine(1001), { topP: 0.9 }],
    ["top_p so small that one is left", fine(1001), { topP: 1e-6, temperature: 10 }],
    ["top_p so large that few go", fine(1001), { topP: 0.9999, temperature: 50 }],
    ["top_p among equals", coarse(1001), { topP: 0.45, temperature: 5 }],
    ["top_p when all are equal", same(1001), { topP: 0.3 }],
    ["both", fine(1001), { topK: 50, topP: 0.8, temperature: 4 }],
    ["both among equals", coarse(1001), { topK: 200, topP: 0.7, temperature: 5 }],
    ["min_p", fine(1001), { minP: 0.1, temperature: 2 }],
    ["all three", fine(1001), { topK: 60, topP: 0.9, minP: 0.2, temperature: 5 }],
    ["a low temperature", fine(1001), { temperature: 0.01 }],
  ])("%s", async (_, logits, changed) => {
    const settings = { ...random, ...changed };
    const kept = filtered(logits, settings);
    const draw = Math.round(1000 * (settings.topP + settings.minP + settings.topK));
    const id = await choose(full(settings), logits, settings, fresh(logits.length), draw);
    expectDrawn(id, kept, settings, draw);
  });

  // The device's draws are the port's, one by one; that the port's follow the weights is seen here.
  test("the port draws each id as often as its weight says", () => {
    const logits = Float32Array.of(0, Math.log(2), Number.NaN, -9, Math.log(3), 1 - 99);
    const seen = new Map<number, number>();
    const draws = 6000;
    for (let draw = 0; draw < draws; draw++) {
      const settings = { ...random, topK: 3, seed: BigInt(draw % 7) << 20n };
      const kept = filtered(logits, settings);
      const total = kept.reduce((sum, { weight }) => sum + weight, 0);
      let left = uniform(settings.seed, draw) * total;
      const id = kept.find(({ weight }) => {
        left -= weight;
        return left < 0;
      })?.id;
      seen.set(id ?? -1, (seen.get(id ?? -1) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual([0, 1, 4]);
    let statistic = 0;
    for (const [id, share] of [
      [0, 1 / 6],
      [1, 2 / 6],
      [4, 3 / 6],
    ] as const) {
      statistic += ((seen.get(id) ?? 0) - share * draws) ** 2 / (share * draws);
    }
    // Chi-square with two degrees of freedom exceeds this once in a thousand, and the seeds are fixed.
    expect(statistic).toBeLessThan(13.8);
  });

  test("with biases and penalties, over steps", async () => {
    const logits = fine(1001);
    const settings: Settings = {
      ...random,
      temperature: 1.5,
      topK: 30,
      topP: 0.95,
      repetition: 1.2,
      frequency: 0.3,
      presence: 0.5,
      window: 8,
      bias: [
        [690, 9],
        [1, -100],
      ],
    };
    const state = fresh(1001, [690, 3, 690], 8);
    for (let draw = 0; draw < 5; draw++) {
      const kept = filtered(adjusted(logits, settings, state), settings);
      const id = await choose(full(settings), logits, settings, state, draw);
      expectDrawn(id, kept, settings, draw);
    }
  });

  const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];

  test.each<[what: string, logits: number[], temperature: number, id: number]>([
    ["temperature 0", [1, 5, 5, 2], 0, 1],
    ["an infinite logit", [1, nan, inf, inf], 1, 2],
    ["no number", [nan, -inf], 1, 0xffffffff],
    ["one number", [nan, -inf, -7, nan], 1, 2],
  ])("is certain of %s", async (_, logits, temperature, id) => {
    const data = new Float32Array(1001).fill(Number.NEGATIVE_INFINITY);
    data.set(logits);
    const settings = { ...random, topK: 3, topP: 0.9, temperature };
    expect(await choose(full(settings), data, settings, fresh(data.length))).toBe(id);
  });
});
