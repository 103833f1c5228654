// The app's end of the protocol: sends requests, matches answers to them, and turns the loss of the
// worker into an error for each request in flight.

import { HearthError } from "../errors.js";
import { asFromWorker, type Operation, type Operations, type WorkerPort } from "./protocol.js";

interface Pending {
  onEvent: ((event: unknown) => void) | undefined;
  resolve(value: unknown): void;
  reject(error: HearthError): void;
}

export interface SendOptions<O extends Operation> {
  onEvent?: ((event: Operations[O]["event"]) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Seconds that a worker has to close by itself; one that computes cannot hear. */
const closeSeconds = 1;

export class WorkerClient {
  readonly #port: WorkerPort;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: HearthError | undefined;

  constructor(port: WorkerPort) {
    this.#port = port;
    port.onMessage = (message) => this.#receive(message);
    port.onLost = (error) => this.end(error);
    port.hold?.(false);
  }

  /**
   * Sends a request and waits for its result. When the signal fires the worker is told, and the
   * promise rejects with `aborted` once the worker has let go, so that nothing runs on unseen.
   */
  send<O extends Operation>(
    operation: O,
    params: Operations[O]["params"],
    options: SendOptions<O> = {},
  ): Promise<Operations[O]["result"]> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (options.signal?.aborted) return Promise.reject(new HearthError("aborted"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#port.post({ type: "abort", id });
      const settle = () => {
        options.signal?.removeEventListener("abort", onAbort);
        this.#pending.delete(id);
        if (this.#pending.size === 0) this.#port.hold?.(false);
      };
      this.#pending.set(id, {
        onEvent: options.onEvent as ((event: unknown) => void) | undefined,
        resolve(value) {
          settle();
          resolve(value as Operations[O]["result"]);
        },
        reject(error) {
          settle();
          reject(error);
        },
      });
      this.#port.hold?.(true);
      options.signal?.addEventListener("abort", onAbort, { once: true });
      try {
        this.#port.post({ type: "request", id, operation, params });
      } catch (error) {
        // Something in the parameters cannot be cloned, such as a function.
        this.#pending.get(id)?.reject(HearthError.from(error, "invalid_argument", operation));
      }
    });
  }

  /** Fails what is in flight and all that comes later. */
  end(error: HearthError): void {
    this.#ended ??= error;
    for (const pending of [...this.#pending.values()]) pending.reject(error);
  }

  /** Fails as `end` does, and ends the worker at once. */
  async terminate(error: HearthError): Promise<void> {
    this.end(error);
    await this.#port.terminate();
  }

  /** Ends the worker after it let go of what it holds. What is in flight rejects with `aborted`. */
  async close(): Promise<void> {
    if (!this.#ended) {
      const inFlight = [...this.#pending.values()];
      const closed = this.send("close", null).catch(() => null);
      this.#ended = new HearthError("invalid_handle", "The engine is closed.");
      const aborted = new HearthError("aborted", "The engine was closed.");
      for (const pending of inFlight) pending.reject(aborted);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, closeSeconds * 1000);
      });
      await Promise.race([closed, patience]);
      clearTimeout(timer);
    }
    await this.#port.terminate();
  }

  #receive(raw: unknown): void {
    let message: ReturnType<typeof asFromWorker>;
    try {
      message = asFromWorker(raw);
    } catch (error) {
      this.end(HearthError.from(error));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (!pending) return; // an answer that nobody waits for any more
    if (message.type === "event") pending.onEvent?.(message.event);
    else if (message.type === "result") pending.resolve(message.value);
    else pending.reject(HearthError.fromJSON(message.error));
  }
}
