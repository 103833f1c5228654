// Starts a worker for its first operation, and sees to it that a worker whose operation fails is gone.

import { errorCodes } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import type { Operation, Operations } from "../worker/protocol.js";
import { WorkerClient } from "../worker/rpc.js";
import type { AppPlatform } from "./engine.js";
import type { Assets } from "./types.js";

/** Seconds that an aborted operation has to let go of its files before its worker is ended. */
const graceSeconds = 2;

export interface StartOptions {
  readonly assets: Assets;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: unknown) => void) | undefined;
}

/**
 * Starts a worker and has it do one operation.
 *
 * @throws HearthError `worker_lost`, `aborted`, or what the operation fails with; the worker is ended
 * then.
 */
export async function startWorker<O extends Operation>(
  operation: O,
  params: Operations[O]["params"],
  { assets, signal, onEvent }: StartOptions,
  platform: AppPlatform,
): Promise<{ client: WorkerClient; result: Operations[O]["result"] }> {
  if (signal?.aborted) throw new HearthError("aborted");
  let client: WorkerClient;
  try {
    client = new WorkerClient(platform.spawn(assets));
  } catch (error) {
    throw HearthError.from(error, "worker_lost");
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    timer = setTimeout(() => client.end(new HearthError("aborted")), graceSeconds * 1000);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const result = await client.send(operation, params, { onEvent, signal });
    return { client, result };
  } catch (error) {
    await client.terminate(new HearthError("worker_lost", errorCodes.worker_lost));
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
