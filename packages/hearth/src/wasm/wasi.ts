// The few WASI functions that the core's C library imports. The core does no I/O, so all that matters
// is text written to standard error before a crash, and the clock.

/** WASI's "function not supported". */
const enosys = 52;

/** Imports for `wasi_snapshot_preview1`: every name answers, so any libc links. */
export function wasiImports(
  memory: WebAssembly.Memory,
  log: (line: string) => void = (line) => console.error(line),
): WebAssembly.ModuleImports {
  const decoder = new TextDecoder();
  let pending = "";
  const view = () => new DataView(memory.buffer);

  const known: Record<string, (...args: never[]) => unknown> = {
    fd_write(_fd: number, iovs: number, count: number, writtenAt: number): number {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const at = view().getUint32((iovs >>> 0) + i * 8, true);
        const size = view().getUint32((iovs >>> 0) + i * 8 + 4, true);
        // A copy, because TextDecoder refuses shared memory.
        pending += decoder.decode(new Uint8Array(memory.buffer, at, size).slice());
        total += size;
      }
      view().setUint32(writtenAt >>> 0, total, true);
      const lines = pending.split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) log(line);
      return 0;
    },
    clock_time_get(_clock: number, _precision: bigint, at: number): number {
      const nanoseconds = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));
      view().setBigUint64(at >>> 0, nanoseconds, true);
      return 0;
    },
    proc_exit(status: number): never {
      if (pending) log(pending);
      throw new Error(`The core exited with status ${status}.`);
    },
  };

  // WebAssembly reads imports as plain properties, so a proxy can answer for the rest.
  return new Proxy(known, {
    get: (target, name) => target[name as string] ?? (() => enosys),
    has: () => true,
  }) as WebAssembly.ModuleImports;
}
