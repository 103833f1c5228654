// Locks among processes: a file made exclusively, which names its holder and whose time is renewed
// while it is held.
//
// A holder that died leaves its file behind. Whoever waits takes the lock over by renaming its own
// file onto it once the holder's process is gone or its time has not been renewed for kStale, then
// looks again after kSettle whether it is still the holder, since two may take over at once. Should
// both still believe they hold it, the worst is a wasted download: what becomes visible is verified
// first and moved in one step.

import { HearthError, throwIfAborted } from "../errors.js";
import { LocalLocks } from "./memory.js";

const fs = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");
const os = process.getBuiltinModule("node:os");
const crypto = process.getBuiltinModule("node:crypto");

// Milliseconds. Waiting costs little at this pace, next to downloads of seconds to hours.
const kPoll = 100;
const kRenew = 2_000;
// Long enough for a laptop's disk to wake or a busy machine to starve the timer.
const kStale = 30_000;
const kSettle = 100;

/** Locks in a folder that processes share. */
export class FileLocks {
  private readonly local = new LocalLocks();

  constructor(private readonly folder: string) {}

  /** Runs `work` while this process, and this caller in it, alone holds `name`. */
  run<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.local.run(name, signal, async () => {
      const at = path.join(this.folder, name);
      const me = `${os.hostname()} ${process.pid} ${crypto.randomUUID()}`;
      await this.take(at, me, signal);
      const renewing = setInterval(() => {
        const now = new Date();
        fs.utimes(at, now, now, () => {});
      }, kRenew);
      renewing.unref();
      try {
        return await work();
      } finally {
        clearInterval(renewing);
        if (readHolder(at) === me) fs.rmSync(at, { force: true });
      }
    });
  }

  private async take(at: string, me: string, signal: AbortSignal | undefined): Promise<void> {
    fs.mkdirSync(this.folder, { recursive: true });
    for (;;) {
      throwIfAborted(signal);
      try {
        fs.writeFileSync(at, me, { flag: "wx" });
        return;
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== "EEXIST") throw thrown;
      }
      if (isAbandoned(at)) {
        const mine = `${at}.${process.pid}~`;
        fs.writeFileSync(mine, me);
        fs.renameSync(mine, at);
        await pause(kSettle, signal);
        if (readHolder(at) === me) return;
      }
      await pause(kPoll, signal);
    }
  }
}

function readHolder(at: string): string | undefined {
  try {
    return fs.readFileSync(at, "utf8");
  } catch {
    return undefined;
  }
}

function isAbandoned(at: string): boolean {
  const holder = readHolder(at);
  const stat = fs.statSync(at, { throwIfNoEntry: false });
  if (holder === undefined || stat === undefined) return false;
  if (Date.now() - stat.mtimeMs > kStale) return true;
  const [host, pid] = holder.split(" ");
  // Process ids mean nothing across machines that share a folder.
  return host === os.hostname() && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks whether the process exists
    return true;
  } catch (thrown) {
    return (thrown as { code?: string }).code === "EPERM";
  }
}

/** Waits; throws `aborted` as soon as the signal fires. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new HearthError("aborted"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
