// Sampling on the device against a port of core/src/sample/sampler.cc, which is the oracle.
import { describe, expect, test } from "vitest";
import { type Binding, Random, run, step } from "./harness.ts";

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

/** The kernels of a program, with their grids. */
type Program = [file: string, grid: number, constants?: Record<string, number>][];

const greedy: Program = [
  ["sample_argmax", 64],
  ["sample_pick", 1],
];

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
  const data: Uint32Array<ArrayBuffer>[] = [
    new Uint32Array(logits.slice().buffer),
    state.counts,
    history,
    new Uint32Array(9536).fill(0xdeadbeef), // scratch, as another step may leave it
    new Uint32Array(4).fill(77),
  ];
  for (const [file, grid, constants] of program) {
    const result = await run({
      files: ["step", "sample", file],
      constants: { VOCAB: vocab, CONTEXT: context, ...constants },
      bindings: [
        step({ draw, history: state.history.length }),
        { kind: "read", data: encoded(settings) },
        ...data.map((one): Binding => ({ kind: "rw", data: one })),
      ],
      grid: [grid],
    });
    result.forEach((buffer, i) => {
      data[i] = new Uint32Array(buffer);
    });
  }
  const id = data[4]?.[0] ?? -1;
  expect([...(data[4] ?? [])].slice(1)).toEqual([77, 77, 77]);
  if (id !== 0xffffffff) state.history.push(id);
  expect([...(data[2] ?? [])].slice(0, state.history.length)).toEqual(state.history);
  state.counts = data[1] ?? state.counts;
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
