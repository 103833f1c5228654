// A file at an address, read without being downloaded: its header says what a model is and what it
// takes, and is a small part of it.

import { HearthError, throwIfAborted } from "../errors.js";
import { isNode, type StoredFile } from "../store/store.js";
import type { FileSource } from "./model-files.js";

export interface RemoteOptions {
  signal?: AbortSignal | undefined;
  /** Instead of the platform's. */
  fetch?: typeof fetch | undefined;
}

// The header of most checkpoints, without a vocabulary, in one round trip.
const kFirstBytes = 64 << 10;
// More than the longest header: a file whose start is not enough is not one to be read this way.
const kMostBytes = 256 << 20;
const kPatience = 60_000; // milliseconds for a server to answer

/**
 * The start of a file at an address, got as far as it is asked for. `fetchedBytes` counts what came.
 */
export class RemoteFile implements StoredFile {
  fetchedBytes = 0;
  private head = new Uint8Array(0);

  private constructor(
    readonly size: number,
    private readonly url: string,
    private readonly source: FileSource,
    private readonly options: RemoteOptions,
  ) {}

  /**
   * Asks the first of the source's addresses that answers for the file's start. Throws `not_found`,
   * `http_status` and `connection_lost`, of the last address; `aborted`.
   */
  static async open(source: FileSource, options: RemoteOptions = {}): Promise<RemoteFile> {
    let last = new HearthError(
      "not_found",
      `${source.name} is at no address that can be read here.`,
      {
        subject: source.name,
      },
    );
    for (const url of source.urls) {
      if (!/^https?:/i.test(url)) continue;
      try {
        const { bytes, size } = await fetchRange(url, 0, kFirstBytes, source, options);
        const file = new RemoteFile(size, url, source, options);
        file.add(bytes);
        return file;
      } catch (thrown) {
        throwIfAborted(options.signal);
        last = HearthError.from(thrown, "connection_lost", url);
      }
    }
    throw last;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    const end = Math.min(at + into.length, this.size);
    if (end > kMostBytes) {
      throw new HearthError("count_too_large", `${this.url} has a header that is too long.`, {
        subject: this.source.name,
      });
    }
    while (this.head.length < end) {
      const from = this.head.length;
      const { bytes, size } = await fetchRange(this.url, from, end, this.source, this.options);
      if (size !== this.size || bytes.length === 0) {
        throw new HearthError("connection_lost", `${this.url} changed while it was read.`, {
          subject: this.source.name,
        });
      }
      this.add(bytes);
    }
    if (at >= end) return 0;
    into.set(this.head.subarray(at, end));
    return end - at;
  }

  close(): void {
    this.head = new Uint8Array(0);
  }

  private add(bytes: Uint8Array): void {
    this.fetchedBytes += bytes.length;
    const longer = new Uint8Array(this.head.length + bytes.length);
    longer.set(this.head);
    longer.set(bytes, this.head.length);
    this.head = longer;
  }
}

/**
 * Bytes [from, end) of a file and its whole size. A server that knows no ranges sends the file from its
 * start, of which the rest is not waited for.
 */
async function fetchRange(
  url: string,
  from: number,
  end: number,
  source: FileSource,
  options: RemoteOptions,
): Promise<{ bytes: Uint8Array; size: number }> {
  throwIfAborted(options.signal);
  const stop = new AbortController();
  const patience = AbortSignal.timeout(kPatience);
  const signals = [stop.signal, patience, ...(options.signal ? [options.signal] : [])];
  const headers: Record<string, string> = { range: `bytes=${from}-${end - 1}` };
  if (source.token !== undefined) headers.authorization = `Bearer ${source.token}`;
  if (isNode()) headers["accept-encoding"] = "identity"; // ranges of the file, not of its compression
  try {
    const response = await (options.fetch ?? fetch)(url, {
      headers,
      signal: AbortSignal.any(signals),
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
    refuse(url, response);
    const skip = response.status === 206 ? 0 : from;
    const size = sizeOf(response) ?? source.size;
    if (size === undefined) {
      throw new HearthError("http_status", `${url} does not tell the size of the file.`, {
        subject: url,
        status: response.status,
      });
    }
    const wanted = Math.min(end, size) - from;
    return { bytes: await take(response, skip, wanted), size };
  } catch (thrown) {
    throwIfAborted(options.signal);
    if (thrown instanceof HearthError) throw thrown;
    const { cause, message } = thrown as { cause?: { code?: string }; message?: string };
    throw new HearthError("connection_lost", `${url}: ${cause?.code ?? message ?? thrown}.`, {
      subject: url,
      cause: thrown,
    });
  } finally {
    stop.abort();
  }
}

function refuse(url: string, response: Response): void {
  const { status } = response;
  const isPage = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  if ((status === 200 || status === 206) && !isPage) return;
  const gone = status === 404 || status === 410 || response.ok;
  const message = response.ok
    ? `${url} is a web page, not a model file.`
    : `${url} answered with HTTP status ${status}.`;
  throw new HearthError(gone ? "not_found" : "http_status", message, { subject: url, status });
}

/** Bytes of the whole file, as the answer tells. */
function sizeOf(response: Response): number | undefined {
  const range = /\/(\d+)\s*$/.exec(response.headers.get("content-range") ?? "");
  if (range !== null) return Number(range[1]);
  // Pages of another origin may not see the range's header; the length is then that of the part.
  if (response.status === 206) return undefined;
  const encoding = response.headers.get("content-encoding") ?? "identity";
  const length = Number(response.headers.get("content-length") ?? "");
  return encoding === "identity" && length > 0 ? length : undefined;
}

/** Up to `wanted` bytes of the body after `skip`; the rest of it is let go. */
async function take(response: Response, skip: number, wanted: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, wanted));
  let at = -skip;
  const reader = response.body?.getReader();
  while (reader !== undefined && at < bytes.length) {
    const { done, value } = await reader.read();
    if (done) break;
    const from = Math.max(0, -at);
    const into = Math.max(0, at);
    if (from < value.length) bytes.set(value.subarray(from, from + bytes.length - into), into);
    at += value.length;
  }
  void reader?.cancel().catch(() => {});
  return bytes.subarray(0, Math.max(0, Math.min(at, bytes.length)));
}
