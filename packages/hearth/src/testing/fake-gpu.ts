// For tests: a core that plans a tiny model for the GPU. The model knows one thing: the token after
// `id` is table[id], a byte of its only weight, provided that the first token of the session is still
// in its state. So an answer is right only if weights, prompts, ids that stay on the device and the
// order of steps are all right.

import type {
  GpuBinding,
  GpuCheck,
  GpuCount,
  GpuPlan,
  GpuStep,
  MethodName,
  Request,
  StepResult,
} from "../abi.generated.js";
import { HearthError } from "../errors.js";
import { FakeCore, FakeFile, fakeModelInfo, stopId } from "./fake-core.js";

const vocabSize = fakeModelInfo.vocabSize;
/** Tokens in one step of prefill. */
const maxBatch = 4;
const most = fakeModelInfo.contextLength;
/** The file's header, before its weights. */
const headerBytes = 16;
/** Where the table lies in the file: twice, since it is loaded in two ways. */
const fileBytes = headerBytes + 2 * vocabSize;

/** A file of the model: each id is followed by the next one, as in "abc". */
export function alphabet(): FakeFile {
  const bytes = Uint8Array.from({ length: fileBytes }, (_, i) => i - headerBytes + 1);
  return new FakeFile(bytes);
}

const step = /* wgsl */ `
struct Step { position: u32, tokens: u32, outputs: u32, length: u32 }
@group(0) @binding(0) var<uniform> step: Step;
`;

const sources = {
  store: `${step}
@group(0) @binding(1) var<storage, read_write> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> history: array<u32>;
@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) at: vec3u) {
  if (at.x < step.tokens) { history[step.position + at.x] = ids[at.x]; }
}`,
  // Both copies of the table must agree, or the answer is one off.
  logits: `${step}
override VOCAB: u32;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read> copied: array<u32>;
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> history: array<u32>;
@group(0) @binding(5) var<storage, read_write> logits: array<f32>;
fn byte(word: u32, at: u32) -> u32 { return extractBits(word, 8u * at, 8u); }
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) at: vec3u) {
  let row = at.y;
  let id = ids[step.tokens - step.outputs + row];
  var next = byte(table[id / 4u], id % 4u);
  if (copied[id / 4u] != table[id / 4u] || history[0] == 0u) { next += 1u; }
  logits[row * VOCAB + at.x] = select(-1.0, 1.0, at.x == next);
}`,
  greedy: `${step}
override VOCAB: u32;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> sampled: array<u32>;
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;
@compute @workgroup_size(1) fn main() {
  var best = 0u;
  let row = (step.outputs - 1u) * VOCAB;
  for (var i = 1u; i < VOCAB; i++) {
    if (logits[row + i] > logits[row + best]) { best = i; }
  }
  sampled[0] = best;
  ids[0] = best;
}`,
  repack: /* wgsl */ `
struct Slice { units: u32, first: u32, offset: u32, pad: u32 }
@group(0) @binding(0) var<uniform> slice: Slice;
@group(0) @binding(1) var<storage, read> staged: array<u32>;
@group(0) @binding(2) var<storage, read_write> table: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) grid: vec3u) {
  for (var i = 0u; i < 2u; i++) {
    let unit = 2u * (at.x + at.y * grid.x * 64u) + i;
    if (unit < slice.units) { table[slice.first + unit] = staged[slice.offset / 4u + unit]; }
  }
}`,
};

const fixed = (count: number): GpuCount => ({ fixed: count, per: "", times: 1, divisor: 1 });
const per = (figure: string): GpuCount => ({ fixed: 0, per: figure, times: 1, divisor: 1 });

/** Buffers by name, with their kinds and sizes; an index is a place in this list. */
const buffers = [
  { name: "table", kind: "weights", bytes: vocabSize },
  { name: "copied", kind: "weights", bytes: vocabSize },
  { name: "step", kind: "uniform", bytes: 256 },
  { name: "ids", kind: "work", bytes: 4 * most },
  { name: "history", kind: "state", bytes: 4 * most },
  { name: "logits", kind: "work", bytes: 4 * vocabSize * maxBatch },
  { name: "sampled", kind: "work", bytes: 256 },
];
function bound(name: string): GpuBinding {
  const buffer = buffers.findIndex((each) => each.name === name);
  return { buffer, offset: 0, bytes: buffers[buffer]?.bytes ?? 0 };
}
const write = (name: string, words: number[]) => ({
  buffer: bound(name).buffer,
  offset: 0,
  data: new Uint8Array(Uint32Array.from(words).buffer),
});

/** What is planned for the model. */
export function tinyPlan(): GpuPlan {
  const vocab = [{ name: "VOCAB", value: vocabSize }];
  const dispatch = (
    name: string,
    pipeline: number,
    names: string[],
    x: GpuCount,
    y = fixed(1),
  ) => ({
    ...{ name, pipeline, bindings: names.map(bound), x, y, z: fixed(1), bytes: 0 },
  });
  const load = {
    ...{ file: 1, bytes: vocabSize, name: "table", dtype: "I32", firstUnit: 0 },
    ...{ rows: 0, groupSize: 0, sorted: false },
  };
  return {
    sources: Object.entries(sources).map(([name, code]) => ({ name, code })),
    pipelines: [
      { source: 0, constants: [], layout: "uww" },
      { source: 1, constants: vocab, layout: "urrwww" },
      { source: 2, constants: vocab, layout: "uwww" },
      { source: 3, constants: [], layout: "urw" },
    ],
    buffers,
    writes: [],
    loads: [
      {
        ...{ ...load, offset: headerBytes, pipeline: 3, unitBytes: 4, sliceUnits: 2 },
        targets: [bound("table")],
      },
      {
        ...{ ...load, offset: headerBytes + vocabSize, pipeline: -1, unitBytes: 2, sliceUnits: 2 },
        targets: [bound("copied")],
      },
    ],
    programs: [
      {
        name: "prefill",
        dispatches: [
          dispatch("store", 0, ["step", "ids", "history"], per("tokens")),
          dispatch(
            "logits",
            1,
            ["step", "table", "copied", "ids", "history", "logits"],
            fixed(vocabSize / 64),
            per("outputs"),
          ),
        ],
      },
      {
        name: "greedy",
        dispatches: [dispatch("greedy", 2, ["step", "logits", "sampled", "ids"], fixed(1))],
      },
    ],
    logits: bound("logits"),
    sampled: bound("sampled"),
    checks: ["store"],
  };
}

/** What the fake keeps of a session. */
interface Session {
  /** Ids that are known and must be processed. */
  pending: number[];
  /** Tokens whose keys and values the device has, or will have once all that is submitted has run. */
  position: number;
  /** Ids generated, and steps submitted whose id was not taken yet. */
  ids: number[];
  untaken: number;
  maxTokens: number;
  stop: string[];
  /** The session's tokens, to begin again with after a loss; and those before a forward pass. */
  history: number[];
  before: number[];
  /** How many of the pending are there to fill the state only. */
  again: number;
  /** For a forward pass: whether every token has logits. Undefined while generating. */
  all: boolean | undefined;
}

export class FakeGpuCore extends FakeCore {
  /** Changes what is planned; for faults. */
  plan: () => GpuPlan = tinyPlan;
  /** Changes what a check runs. */
  checkPlan: (name: string, refused: readonly string[]) => GpuPlan = tinyPlan;
  /** Steps handed out that were not for nothing. */
  submitted = 0;
  /** The most that were under way at once. */
  mostAhead = 0;
  #session: Session | undefined;

  protected override respond(method: MethodName, request: never): unknown {
    switch (method) {
      case "modelOpen": {
        const { gpu } = request as Request<"modelOpen">;
        const opened = super.respond(method, request) as object;
        return gpu.length > 0 ? { ...opened, ranges: [], totalBytes: 0 } : opened;
      }
      case "gpuPlan":
        return this.plan();
      case "gpuCheckOpen":
        return this.#check(request as Request<"gpuCheckOpen">);
      case "gpuCheckClose": {
        const { output } = request as Request<"gpuCheckClose">;
        const ok = output.length === 8 && output[0] === 7 && output[4] === 9;
        return { ok, error: ok ? 0 : 1, tolerance: 0 };
      }
      case "sessionGenerate": {
        const { promptIds, maxTokens, stop } = request as Request<"sessionGenerate">;
        const started = super.respond(method, request);
        this.#begin(promptIds, undefined, { maxTokens: maxTokens || most, stop });
        return started;
      }
      case "sessionForwardBegin": {
        const { ids, all, reset } = request as Request<"sessionForwardBegin">;
        const before = reset ? undefined : this.#session;
        this.#begin(ids, all);
        if (before) this.#append(before);
        return { rows: all ? ids.length : 1 };
      }
      case "sessionSchedule":
        return this.#schedule();
      case "sessionTake":
        return this.#take((request as Request<"sessionTake">).data);
      case "sessionLost": {
        const { forwardAgain } = request as Request<"sessionLost">;
        const session = this.#need();
        const held = forwardAgain ? session.before : session.history;
        this.#session = { ...session, pending: [...held], history: [...held], before: [] };
        Object.assign(this.#need(), { position: 0, untaken: 0 });
        return {};
      }
      case "logprobs": {
        const { ids, logits } = request as Request<"logprobs">;
        const values = new Float32Array(new Uint8Array(logits).buffer);
        return { logprobs: ids.map((id, row) => values[row * vocabSize + id] ?? 0) };
      }
      default:
        return super.respond(method, request);
    }
  }

  #begin(ids: number[], all: boolean | undefined, more = { maxTokens: 0, stop: [] as string[] }) {
    this.#session = {
      ...{ pending: [...ids], history: [...ids], position: 0, ids: [], untaken: 0, all },
      ...{ before: [], again: 0 },
      ...more,
    };
  }

  /** Lets a forward pass go on from what the session held. */
  #append(before: Session): void {
    const session = this.#need();
    session.before = before.history;
    session.position = before.position;
    session.history = [...before.history, ...session.history];
    // After a loss it is processed once more.
    session.again = before.pending.length;
    session.pending = [...before.pending, ...session.pending];
  }

  #need(): Session {
    if (!this.#session) throw new Error("no generation was started");
    return this.#session;
  }

  #schedule(): GpuStep {
    const session = this.#need();
    const { pending, position, all } = session;
    const nothing = { writes: [], programs: [], tokens: 0, outputs: 0, length: 0, read: "" };
    const generating = all === undefined;
    const enough = session.ids.length + session.untaken >= session.maxTokens;
    if (pending.length === 0 && (!generating || enough || session.untaken === 0)) return nothing;
    const again = Math.min(session.again, maxBatch);
    session.again -= again;
    const ids = pending.splice(0, again > 0 ? again : maxBatch);
    const tokens = Math.max(ids.length, 1);
    const last = pending.length === 0;
    const outputs = again > 0 ? 0 : all ? tokens : last ? 1 : 0;
    session.position += tokens;
    this.submitted++;
    if (generating && last) session.untaken++;
    this.mostAhead = Math.max(this.mostAhead, session.untaken);
    const length = position + tokens;
    return {
      writes: [
        write("step", [position, tokens, outputs, length]),
        // Without ids the device goes on from the token that it sampled.
        ...(ids.length > 0 ? [write("ids", ids)] : []),
      ],
      programs: generating && last ? [0, 1] : [0],
      ...{ tokens, outputs, length },
      read: outputs === 0 ? "" : generating ? "id" : "logits",
    };
  }

  #take(data: Uint8Array): StepResult {
    const session = this.#need();
    if (session.untaken === 0) throw new Error("nothing was to be taken");
    session.untaken--;
    const id = data[0] ?? 0;
    session.ids.push(id);
    session.history.push(id);
    const text = String.fromCharCode(...session.ids);
    const stopped = id === stopId || session.stop.some((stop) => text.endsWith(stop));
    const done = stopped || session.ids.length === session.maxTokens;
    if (done) this.endGeneration();
    return {
      phase: done ? "done" : "decode",
      promptDone: 1,
      ids: [id],
      text: stopped ? "" : String.fromCharCode(id),
      logprobs: [],
      finishReason: done ? (stopped ? "stop" : "length") : "",
    };
  }

  /** A check of the kernel "store": two steps keep an id each. */
  #check({ name, adapter }: Request<"gpuCheckOpen">): GpuCheck {
    const plan = this.checkPlan(name, adapter.refused);
    const missing = plan.sources.find(
      (source) => source.name !== name && adapter.refused.includes(source.name),
    );
    if (missing) throw new HearthError("unsupported_device", undefined, { subject: missing.name });
    return {
      check: 9,
      plan: { ...plan, loads: [] },
      file: new Uint8Array(),
      steps: [7, 9].map((id, position) => ({
        writes: [write("step", [position, 1, 0, position + 1]), write("ids", [id])],
        programs: [0],
        ...{ tokens: 1, outputs: 0, length: position + 1, read: "" },
      })),
      output: { ...bound("history"), bytes: 8 },
    };
  }
}
