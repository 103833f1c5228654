// The core as a WebAssembly instance in this worker. Calls are synchronous; what waits is reading
// files into its memory and starting helper threads.

import { type MethodName, methods, type Request, type Response } from "../abi.generated.js";
import {
  type Core,
  decodeResponse,
  encodeRequest,
  type RangeOptions,
  type RangeTarget,
  sliceBytes,
} from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { StoredFile } from "../store/store.js";
import type { WasmVariant } from "./features.js";
import { wasiImports } from "./wasi.js";

/** What the core's module exports. Addresses are u32, which JavaScript sees as i32. */
interface CoreExports {
  _initialize(): void;
  hearth_init(threads: number): void;
  hearth_request(length: number): number;
  hearth_call(method: number, length: number): number;
  hearth_thread_stack?(index: number): number;
  hearth_thread_main?(index: number): void;
  __stack_pointer?: WebAssembly.Global;
}

/** What a helper thread needs to join the core. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly index: number;
  /** Top of the stack that the core gave this thread. */
  readonly stack: number;
}

/** Starts a worker that runs `runThread`; resolves once it is about to enter the core. */
export type SpawnThread = (start: ThreadStart) => Promise<{ terminate(): void }>;

export interface WasmCoreOptions {
  readonly variant: WasmVariant;
  /** Threads, the calling one included. */
  readonly threads: number;
  readonly spawnThread?: SpawnThread;
  readonly log?: (line: string) => void;
}

/** 64 KiB pages the core starts with, which is what its linker was told. */
const initialPages = 256;
/** All of wasm32's 4 GiB; where that much address space is not to be had, less. */
const sharedMaximums = [65536, 32768, 16384, 8192];

/** Makes the memory that a variant imports. Throws `out_of_memory`. */
export function createMemory(variant: WasmVariant): WebAssembly.Memory {
  let cause: unknown;
  const attempts: WebAssembly.MemoryDescriptor[] =
    variant === "relaxed-mt"
      ? sharedMaximums.map((maximum) => ({ initial: initialPages, maximum, shared: true }))
      : [{ initial: initialPages }];
  for (const descriptor of attempts) {
    try {
      return new WebAssembly.Memory(descriptor);
    } catch (error) {
      cause = error;
    }
  }
  throw new HearthError("out_of_memory", "No memory for the engine could be reserved.", {
    subject: variant,
    cause,
  });
}

/** Bytes that a memory of the engine's may grow to here; 0 when none is to be had. */
export function largestMemory(): number {
  const shared = typeof SharedArrayBuffer !== "undefined";
  for (const maximum of sharedMaximums) {
    try {
      new WebAssembly.Memory({ initial: 1, maximum, shared });
      return maximum * 65_536;
    } catch {
      // Less may be to be had.
    }
  }
  return 0;
}

function importsFor(memory: WebAssembly.Memory, log?: (line: string) => void): WebAssembly.Imports {
  return { env: { memory }, wasi_snapshot_preview1: wasiImports(memory, log) };
}

/** Runs a helper thread: never returns. `ready` is called before the core takes the thread over. */
export function runThread(start: ThreadStart, ready: () => void): void {
  const instance = new WebAssembly.Instance(start.module, importsFor(start.memory));
  const core = instance.exports as unknown as CoreExports;
  if (!core.__stack_pointer || !core.hearth_thread_main) {
    throw new HearthError("internal", "The core's build has no threads.");
  }
  core.__stack_pointer.value = start.stack | 0;
  ready();
  core.hearth_thread_main(start.index);
}

export class WasmCore implements Core {
  readonly device = "wasm";
  readonly #memory: WebAssembly.Memory;
  readonly #exports: CoreExports;
  readonly #threads: { terminate(): void }[] = [];
  /** Set once the core has trapped or was closed: it can answer nothing after that. */
  #ended: HearthError | undefined;

  private constructor(memory: WebAssembly.Memory, exports: CoreExports) {
    this.#memory = memory;
    this.#exports = exports;
  }

  /**
   * Instantiates a compiled core and starts its threads.
   *
   * @throws HearthError `out_of_memory`, or `unsupported_device` when the module does not link or a
   * thread does not start.
   */
  static async start(module: WebAssembly.Module, options: WasmCoreOptions): Promise<WasmCore> {
    const memory = createMemory(options.variant);
    let core: WasmCore;
    try {
      const instance = await WebAssembly.instantiate(module, importsFor(memory, options.log));
      core = new WasmCore(memory, instance.exports as unknown as CoreExports);
      core.#exports._initialize();
      core.#exports.hearth_init(options.threads);
    } catch (error) {
      throw HearthError.from(error, "unsupported_device", options.variant);
    }
    try {
      await core.#startThreads(module, options);
    } catch (error) {
      core.close();
      throw HearthError.from(error, "unsupported_device", options.variant);
    }
    return core;
  }

  async #startThreads(module: WebAssembly.Module, options: WasmCoreOptions): Promise<void> {
    const { hearth_thread_stack: stackOf } = this.#exports;
    const { spawnThread } = options;
    if (options.threads <= 1 || !stackOf || !spawnThread) return;
    const starts = Array.from({ length: options.threads - 1 }, (_, i) => ({
      module,
      memory: this.#memory,
      index: i + 1,
      stack: stackOf(i + 1) >>> 0,
    })).filter((start) => start.stack !== 0); // 0: the core has no use for that thread
    const started = await Promise.allSettled(starts.map(async (start) => spawnThread(start)));
    for (const result of started) {
      if (result.status === "fulfilled") this.#threads.push(result.value);
    }
    const failed = started.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  call<M extends MethodName>(method: M, request: Request<M>): Response<M> {
    if (this.#ended) throw this.#ended;
    const bytes = encodeRequest(method, request);
    let at: number;
    try {
      const requestAt = this.#exports.hearth_request(bytes.length) >>> 0;
      // Nothing may well be nowhere.
      if (requestAt === 0 && bytes.length > 0) {
        throw new HearthError("out_of_memory", "The request does not fit the engine's memory.", {
          subject: method,
        });
      }
      new Uint8Array(this.#memory.buffer, requestAt, bytes.length).set(bytes);
      at = this.#exports.hearth_call(methods[method].number, bytes.length) >>> 0;
    } catch (error) {
      if (error instanceof HearthError) throw error;
      // A trap: the core's state is unknown from here on.
      this.#ended = HearthError.from(error, "internal", method);
      throw this.#ended;
    }
    const size = new DataView(this.#memory.buffer).getUint32(at, true);
    const response = new Uint8Array(this.#memory.buffer, at + 4, size);
    return decodeResponse(method, response[0] ?? 1, response.subarray(1));
  }

  async load(range: RangeTarget, file: StoredFile, options: RangeOptions): Promise<void> {
    for (let done = 0; done < range.bytes; ) {
      throwIfAborted(options.signal);
      if (this.#ended) throw this.#ended;
      const size = Math.min(sliceBytes, range.bytes - done);
      const into = new Uint8Array(this.#memory.buffer, range.address + done, size);
      const read = await file.read(into, range.offset + done);
      if (read <= 0) {
        throw new HearthError("truncated_data", undefined, { subject: options.name });
      }
      done += read;
      options.onBytes?.(read);
    }
  }

  close(): void {
    this.#ended ??= new HearthError("invalid_handle", "The engine is closed.");
    for (const thread of this.#threads.splice(0)) thread.terminate();
  }
}
