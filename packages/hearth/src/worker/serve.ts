// The worker's end of the protocol: hands requests to the host and sends back what it answers.

import { HearthError } from "../errors.js";
import { asToWorker, type Operation, type Operations, type Port } from "./protocol.js";

/** What a handler may do beside returning its result. */
export interface Call<O extends Operation> {
  /** Fires when the app aborts this request. */
  readonly signal: AbortSignal;
  emit(event: Operations[O]["event"]): void;
}

/** One function for each operation. */
export type Handlers = {
  [O in Operation]: (
    params: Operations[O]["params"],
    call: Call<O>,
  ) => Promise<Operations[O]["result"]>;
};

/** Operations after which the app may end the worker, and after whose failure it does. */
const last: ReadonlySet<Operation> = new Set<Operation>([
  "close",
  "inspect",
  "benchmark",
  "diagnose",
]);
const first: ReadonlySet<Operation> = new Set<Operation>(["open", "openTokenizer", "inspect"]);

/**
 * Answers the requests that arrive at the port with the handlers.
 *
 * @param idle Waited for before an answer after which the app may end the worker.
 */
export function serve(port: Port, handlers: Handlers, idle = async () => {}): void {
  const running = new Map<number, AbortController>();

  async function answer<O extends Operation>(
    id: number,
    operation: O,
    params: Operations[O]["params"],
  ): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const value = await handlers[operation](params, {
        signal: controller.signal,
        emit: (event) => port.post({ type: "event", id, event }),
      });
      if (last.has(operation)) await idle();
      port.post({ type: "result", id, value }, buffersOf(value));
    } catch (error) {
      if (last.has(operation) || first.has(operation)) await idle();
      port.post({ type: "error", id, error: HearthError.from(error).toJSON() });
    } finally {
      running.delete(id);
    }
  }

  port.onMessage = (raw) => {
    try {
      const message = asToWorker(raw);
      if (!message) return;
      if (message.type === "abort") running.get(message.id)?.abort();
      else void answer(message.id, message.operation, message.params);
    } catch (error) {
      const id = (raw as { id: number }).id;
      port.post({ type: "error", id, error: HearthError.from(error).toJSON() });
    }
  };
}

/** Large arrays move to the app instead of being copied. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const arrays = [value, (value as { logits?: unknown } | null)?.logits];
  return arrays.flatMap((array) =>
    array instanceof Float32Array && array.buffer instanceof ArrayBuffer ? [array.buffer] : [],
  );
}
