/**
 * All state of the app and everything that changes it. A component reads a State and calls an
 * action; nothing else holds state that outlives a component.
 */
import type {
  CatalogueModel,
  ChatMessage,
  CheckProgress,
  CreateEngine,
  Diagnose,
  Diagnosis,
  Engine,
  EngineInfo,
  Inspect,
  Inspection,
  ModelChoice,
  Progress,
} from "./engine.js";
import { emit } from "./events.js";
import { defaultSettings, type Settings, sanitize } from "./settings.js";

/** Figures of one answer. */
export interface Figures {
  tokens: number;
  /** From sending the question to the first piece of the answer. */
  firstTokenSeconds: number;
  tokensPerSecond: number;
}

export interface Message {
  /** Unique in the conversation; the key of its element. */
  id: number;
  role: "user" | "assistant";
  content: string;
  /** How an answer ended; "writing" while it grows. Questions are always "done". */
  status: "writing" | "done" | "stopped" | "length";
  figures?: Figures;
}

/** Why something did not work, and what trying again would do. */
export interface Failure {
  code: string;
  message: string;
  /** What it is about: a file, an address, an option; "" when nothing in particular. */
  subject: string;
  retry: "load" | "answer";
}

/** The choice of a model that is not in the catalogue, whose names have no brackets. */
export const otherModel = "(other)";

export interface State {
  models: readonly CatalogueModel[];
  /** One of the models', or `otherModel`. */
  modelId: string;
  /** What was typed for another model: a name on Hugging Face or an address. */
  address: string;
  /** What was picked for it instead; they go before the address. */
  files: readonly File[];
  looking: boolean;
  /** What a look at the chosen model found; forgotten when another is chosen. */
  inspection: Inspection | undefined;
  /** Why it found nothing: a sentence. */
  lookFailure: string | undefined;
  phase: "idle" | "loading" | "ready";
  progress: Progress | undefined;
  /** Set exactly while phase is "ready". */
  info: EngineInfo | undefined;
  messages: readonly Message[];
  generating: boolean;
  failure: Failure | undefined;
  settings: Settings;
  /** What the last check of the device found. */
  diagnosis: Diagnosis | undefined;
  /** How far a check is; undefined while none runs. */
  checking: CheckProgress | undefined;
  /** Why the last check found nothing: a sentence. */
  checkFailure: string | undefined;
}

export interface Dependencies {
  createEngine: CreateEngine;
  diagnose: Diagnose;
  inspect: Inspect;
  models: readonly CatalogueModel[];
  /** Seconds on a clock that never jumps. */
  now?: () => number;
}

/** The store: one immutable State at a time, and the actions. */
export class Studio {
  private current: State;
  private readonly listeners = new Set<() => void>();
  private readonly createEngine: CreateEngine;
  private readonly diagnose: Diagnose;
  private readonly inspect: Inspect;
  private readonly now: () => number;
  private engine: Engine | undefined;
  private loading: AbortController | undefined;
  private answering: AbortController | undefined;
  private check: AbortController | undefined;
  private look: AbortController | undefined;
  private nextId = 1;

  constructor({
    createEngine,
    diagnose,
    inspect,
    models,
    now = () => performance.now() / 1000,
  }: Dependencies) {
    this.createEngine = createEngine;
    this.diagnose = diagnose;
    this.inspect = inspect;
    this.now = now;
    this.current = {
      models,
      modelId: models[0]?.id ?? otherModel,
      address: "",
      files: [],
      looking: false,
      inspection: undefined,
      lookFailure: undefined,
      phase: "idle",
      progress: undefined,
      info: undefined,
      messages: [],
      generating: false,
      failure: undefined,
      settings: defaultSettings,
      diagnosis: undefined,
      checking: undefined,
      checkFailure: undefined,
    };
  }

  /** The state now; the same object until something changes. */
  readonly state = (): State => this.current;

  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Chooses the model to load next. Ignored while one loads. */
  readonly selectModel = (modelId: string): void => {
    const known = this.current.models.some(({ id }) => id === modelId);
    if (known || modelId === otherModel) this.choose({ modelId });
  };

  /** Names a model that is not in the catalogue: `hf:org/name` or an address. */
  readonly nameModel = (address: string): void =>
    this.choose({ modelId: otherModel, address, files: [] });

  /** Takes files that the user picked or dropped; none takes them back. */
  readonly pickFiles = (files: readonly File[]): void =>
    this.choose({ modelId: otherModel, files });

  private choose(choice: Partial<Pick<State, "modelId" | "address" | "files">>): void {
    if (this.current.phase === "loading") return;
    this.look?.abort();
    this.look = undefined;
    this.set({ ...choice, looking: false, inspection: undefined, lookFailure: undefined });
  }

  /** Reads what the chosen model says of itself, without downloading its weights. */
  readonly lookAtModel = async (): Promise<void> => {
    const model = chosenModel(this.current);
    if (model === undefined || this.look) return;
    const look = new AbortController();
    this.look = look;
    this.set({ looking: true, inspection: undefined, lookFailure: undefined });
    const end = (found: Partial<State>) => {
      // Another model may have been chosen meanwhile.
      if (this.look !== look) return;
      this.look = undefined;
      this.set({ looking: false, ...found });
    };
    try {
      end({ inspection: await this.inspect(model, { signal: look.signal }) });
    } catch (thrown) {
      end({ lookFailure: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  };

  readonly changeSettings = (change: Partial<Settings>): void => {
    this.set({ settings: sanitize({ ...this.current.settings, ...change }) });
  };

  readonly dismissFailure = (): void => this.set({ failure: undefined });

  /** Loads the chosen model; the state tells how it goes. Ends when it is loaded or has failed. */
  readonly load = async (): Promise<void> => {
    const model = chosenModel(this.current);
    if (this.current.phase !== "idle" || model === undefined) return;
    const loading = new AbortController();
    this.loading = loading;
    this.set({ phase: "loading", progress: undefined, failure: undefined });
    try {
      const engine = await this.createEngine({
        model,
        device: "auto",
        signal: loading.signal,
        onProgress: (progress) => {
          // A report can still be on its way after a cancel.
          if (this.loading !== loading) return;
          this.set({ progress });
          emit("progress", progress);
        },
      });
      if (loading.signal.aborted) {
        await engine.close();
        return;
      }
      this.engine = engine;
      this.loading = undefined;
      this.set({ phase: "ready", progress: undefined, info: engine.info });
      emit("ready", engine.info);
    } catch (thrown) {
      if (loading.signal.aborted) return;
      this.loading = undefined;
      this.set({ phase: "idle", progress: undefined });
      this.fail(thrown, "load");
    }
  };

  /** Gives up loading. What was downloaded stays in the store, and the next load goes on there. */
  readonly cancelLoad = (): void => {
    if (!this.loading) return;
    this.loading.abort();
    this.loading = undefined;
    this.set({ phase: "idle", progress: undefined });
  };

  /** Closes the engine and goes back to the choice of models; the conversation stays. */
  readonly unload = async (): Promise<void> => {
    this.stop();
    const engine = this.engine;
    this.engine = undefined;
    this.set({ phase: "idle", info: undefined });
    await engine?.close();
  };

  /** Asks. Returns whether the question was taken: not when blank, busy or with no model loaded. */
  readonly send = (question: string): boolean => {
    const content = question.trim();
    if (content === "" || this.current.generating || !this.engine) return false;
    this.set({
      messages: [
        ...this.current.messages,
        { id: this.nextId++, role: "user", content, status: "done" },
      ],
    });
    void this.answer();
    return true;
  };

  /** Ends the answer that is being written; what is there of it stays. */
  readonly stop = (): void => this.answering?.abort();

  /** Does again what the failure shown was about. */
  readonly retry = async (): Promise<void> => {
    const { failure } = this.current;
    if (!failure) return;
    this.set({ failure: undefined });
    if (this.current.phase === "idle") await this.load();
    if (failure.retry === "answer" && this.engine) await this.answer();
  };

  /** Forgets the conversation. */
  readonly clear = (): void => {
    this.stop();
    this.set({ messages: [], failure: undefined });
  };

  /** Checks the device; a model that is loaded goes on meanwhile. */
  readonly checkDevice = async (): Promise<void> => {
    if (this.check) return;
    const check = new AbortController();
    this.check = check;
    const checking: CheckProgress = { phase: "check", kernel: "", done: 0, total: 0 };
    this.set({ checking, checkFailure: undefined });
    try {
      const diagnosis = await this.diagnose({
        // Beside a model there may be no memory for another to time, and its figures would suffer.
        speeds: this.current.phase === "idle",
        signal: check.signal,
        onProgress: (progress) => {
          if (this.check === check) this.set({ checking: progress });
        },
      });
      if (this.check === check) this.set({ diagnosis });
    } catch (thrown) {
      if (check.signal.aborted) return;
      this.set({ checkFailure: thrown instanceof Error ? thrown.message : String(thrown) });
    } finally {
      if (this.check === check) {
        this.check = undefined;
        this.set({ checking: undefined });
      }
    }
  };

  /** Gives a check up; what an earlier one found stays. */
  readonly cancelCheck = (): void => {
    this.check?.abort();
    this.check = undefined;
    this.set({ checking: undefined });
  };

  private async answer(): Promise<void> {
    const engine = this.engine;
    const { settings, messages } = this.current;
    if (!engine || this.current.generating || messages.at(-1)?.role !== "user") return;
    const answering = new AbortController();
    this.answering = answering;
    const id = this.nextId++;
    this.set({
      generating: true,
      failure: undefined,
      messages: [...messages, { id, role: "assistant", content: "", status: "writing" }],
    });

    const started = this.now();
    let firstAt: number | undefined;
    let content = "";
    let reason = "stop";
    let last: ChatFigures = {};
    let thrown: unknown;
    try {
      const stream = await engine.chat.completions.create(
        {
          messages: history(settings.system, messages),
          stream: true,
          stream_options: { include_usage: true },
          temperature: settings.temperature,
          top_p: settings.topP,
          max_tokens: settings.maxTokens,
          ...(settings.seed === undefined ? {} : { seed: settings.seed }),
        },
        { signal: answering.signal },
      );
      for await (const chunk of stream) {
        // A stopped engine may still hand over what it had ready.
        if (answering.signal.aborted) break;
        const choice = chunk.choices[0];
        const text = choice?.delta.content;
        if (text) {
          firstAt ??= this.now();
          content += text;
          this.patch(id, { content });
          emit("delta", { text });
        }
        if (choice?.finish_reason) reason = choice.finish_reason;
        last = { ...last, ...pickFigures(chunk) };
      }
    } catch (error) {
      thrown = error;
    }

    if (this.answering === answering) this.answering = undefined;
    const stopped = answering.signal.aborted;
    const failed = thrown !== undefined && !stopped;
    const ended = this.now();
    const figures = summarize(last, started, firstAt, ended);
    if (failed || (stopped && content === "")) {
      // A half answer would be taken for a whole one in the next question's history.
      this.set({ messages: this.current.messages.filter((message) => message.id !== id) });
    } else {
      const status = stopped ? "stopped" : reason === "length" ? "length" : "done";
      this.patch(id, { status, ...(figures ? { figures } : {}) });
    }
    this.set({ generating: false });
    if (failed) {
      if (codeOf(thrown) === "worker_lost") await this.unload();
      this.fail(thrown, "answer");
    } else {
      emit("answer", { content, stopped, figures });
    }
  }

  private patch(id: number, change: Partial<Message>): void {
    this.set({
      messages: this.current.messages.map((message) =>
        message.id === id ? { ...message, ...change } : message,
      ),
    });
  }

  private fail(thrown: unknown, retry: Failure["retry"]): void {
    const failure: Failure = {
      code: codeOf(thrown),
      message: thrown instanceof Error ? thrown.message : String(thrown),
      subject: textOf(thrown, "subject") ?? "",
      retry,
    };
    this.set({ failure });
    emit("failure", failure);
  }

  private set(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** What is to be loaded; undefined while another model is chosen and not named. */
export function chosenModel({ modelId, address, files }: State): ModelChoice | undefined {
  if (modelId !== otherModel) return modelId;
  return files.length > 0 ? files : address.trim() || undefined;
}

type ChatFigures = { tokens?: number; tokensPerSecond?: number };

function pickFigures(chunk: {
  usage?: { completion_tokens: number } | null | undefined;
  hearth?: { tokensPerSecond: number } | null | undefined;
}): ChatFigures {
  return {
    ...(chunk.usage ? { tokens: chunk.usage.completion_tokens } : {}),
    ...(chunk.hearth ? { tokensPerSecond: chunk.hearth.tokensPerSecond } : {}),
  };
}

/** Undefined when the engine gave no count, which is so for an answer that was stopped. */
function summarize(
  { tokens, tokensPerSecond }: ChatFigures,
  started: number,
  firstAt: number | undefined,
  ended: number,
): Figures | undefined {
  if (tokens === undefined || firstAt === undefined) return undefined;
  const seconds = ended - firstAt;
  // The first token ends the prefill, so the time after it made one token fewer.
  const measured = seconds > 0 ? Math.max(tokens - 1, 0) / seconds : 0;
  return {
    tokens,
    firstTokenSeconds: firstAt - started,
    tokensPerSecond: tokensPerSecond ?? measured,
  };
}

function history(system: string, messages: readonly Message[]): ChatMessage[] {
  const turns = messages.map(({ role, content }) => ({ role, content }));
  return system.trim() === "" ? turns : [{ role: "system", content: system.trim() }, ...turns];
}

function textOf(thrown: unknown, key: "code" | "subject"): string | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const value = (thrown as Record<string, unknown>)[key];
  return typeof value === "string" ? value : undefined;
}

/** A HearthError says its code; anything else that is thrown is a bug. */
function codeOf(thrown: unknown): string {
  return textOf(thrown, "code") ?? "internal";
}
