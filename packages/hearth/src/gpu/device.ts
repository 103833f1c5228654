// A WebGPU device whose failures are typed: loss, out of memory and validation errors become
// HearthErrors, and stick.

import { HearthError } from "../errors.js";
import { usage } from "./flags.js";

// A rejected promise may arrive a little before the word that the device is lost; this long is waited
// for it, in milliseconds, before the rejection is taken for a failure of its own.
const lossPatience = 200;

/** What WebGPU has yet to answer, of every device of this thread. */
const pending = new Set<Promise<unknown>>();

/**
 * Waits until WebGPU owes this thread no answer. Dawn ends the whole process when a thread of Node's
 * ends before its promises do, so a worker waits for this before it lets the app end it.
 */
export async function idle(): Promise<void> {
  while (pending.size > 0) await Promise.allSettled(pending);
}

export class Device {
  readonly raw: GPUDevice;
  readonly #lost: Promise<HearthError>;
  #failure: HearthError | undefined;
  #closed = false;

  constructor(raw: GPUDevice) {
    this.raw = raw;
    // Errors that no scope caught: of submissions, mostly. The first one counts.
    raw.addEventListener?.("uncapturederror", (event) => {
      event.preventDefault();
      // By name, not instanceof: in Node the classes are no globals.
      const memory = event.error.constructor.name === "GPUOutOfMemoryError";
      this.#failure ??= typed(event.error, "", memory);
    });
    this.#lost = raw.lost.then((info) => {
      const why = info.message || info.reason;
      const lost = this.#closed
        ? new HearthError("invalid_handle", "The GPU was given back.")
        : new HearthError("device_lost", `The GPU was lost: ${why}`, { subject: "webgpu" });
      // Loss explains whatever else went wrong before it was known.
      this.#failure = lost;
      return lost;
    });
  }

  /** Throws the failure that made the device unusable, if there is one. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  get isLost(): boolean {
    return this.#failure?.code === "device_lost";
  }

  /**
   * Runs `work`, which only creates things, and waits for the GPU's word on it. Scopes are a stack of
   * the device's, so `work` must not wait.
   *
   * @throws HearthError `out_of_memory`, `gpu_error`, `device_lost`.
   */
  async scoped<T>(subject: string, work: () => T): Promise<T> {
    this.check();
    const { raw } = this;
    raw.pushErrorScope("validation");
    raw.pushErrorScope("internal");
    raw.pushErrorScope("out-of-memory");
    let result: T | undefined;
    let thrown: unknown;
    try {
      result = work();
    } catch (error) {
      thrown = error;
    }
    const scopes = [raw.popErrorScope(), raw.popErrorScope(), raw.popErrorScope()];
    const errors = await this.settle(Promise.all(scopes), subject);
    // Memory first: what could not be allocated is then invalid, too.
    const error = errors.find((each) => each !== null);
    if (error) throw typed(error, subject, error === errors[0]);
    this.check();
    // Some implementations throw a RangeError for a size that they cannot map.
    if (thrown) throw HearthError.from(thrown, "gpu_error", subject);
    return result as T;
  }

  /** Waits for a promise of WebGPU's; a rejection becomes `device_lost` or `gpu_error`. */
  async settle<T>(promise: Promise<T>, subject: string): Promise<T> {
    pending.add(promise);
    try {
      return await promise;
    } catch (thrown) {
      throw await this.#explain(thrown, subject);
    } finally {
      pending.delete(promise);
    }
  }

  async #explain(thrown: unknown, subject: string): Promise<HearthError> {
    if (thrown instanceof HearthError) return thrown;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), lossPatience);
    });
    const lost = await Promise.race([this.#lost, patience]);
    clearTimeout(timer);
    if (lost) return lost;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // Not HearthError.from: WebGPU's AbortError is no abort of the app's.
    return new HearthError("gpu_error", message || undefined, { subject, cause: thrown });
  }

  /**
   * Whether `bytes` can be allocated, in buffers of at most `largest` each. They are given back at
   * once, so that another app may still take them; but no graphics card says how much it has.
   */
  async fits(bytes: number, largest: number): Promise<boolean> {
    const buffers: GPUBuffer[] = [];
    try {
      await this.scoped("memory", () => {
        for (let left = bytes; left > 0; left -= largest) {
          // A multiple of 4, as every size that will be asked for.
          const size = Math.ceil(Math.min(left, largest) / 4) * 4;
          buffers.push(this.raw.createBuffer({ size, usage: usage.storage }));
        }
      });
      return true;
    } catch (error) {
      if (HearthError.from(error).code === "out_of_memory") return false;
      throw error;
    } finally {
      for (const buffer of buffers) buffer.destroy();
    }
  }

  /** Gives the device and all that was made with it back. */
  destroy(): void {
    this.#closed = true;
    this.raw.destroy();
  }
}

function typed(error: GPUError, subject: string, memory = false): HearthError {
  const sentence = memory ? "The graphics card has no memory left for this." : error.message;
  const code = memory ? "out_of_memory" : "gpu_error";
  return new HearthError(code, sentence || undefined, { subject, cause: error });
}
