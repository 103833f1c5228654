// Downloading over HTTP, with ranges: a connection that is cut is taken up where it stopped, and what
// a server serves instead of the file is told apart from the file.

import { HearthError, throwIfAborted } from "../errors.js";
import { isNode } from "../store/store.js";
import type { EnsureOptions } from "./ensure.js";
import type { Transfer, Version } from "./transfer.js";

// A cut connection is often back at once; four failures in about two seconds are no accident.
const kRetries = 3;
const kRetryDelay = 250; // milliseconds, doubled each time
// An attempt that brought this much counts as success: a long download may be cut many times.
const kGoodProgress = 8 << 20;
const kStallTimeout = 60_000; // milliseconds

/** The connection broke, and trying again may help. */
class Cut extends Error {
  constructor(
    message: string,
    /** Whether the server had answered: one that never did will not in a second. */
    readonly answered: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * Appends to `transfer` what is missing of the file at `url`. Throws `not_found`, `http_status` or
 * `checksum_mismatch` at once; `connection_lost` after three retries, with what came kept.
 */
export async function downloadHttp(
  url: string,
  transfer: Transfer,
  options: EnsureOptions,
): Promise<void> {
  let failures = 0;
  for (;;) {
    const before = transfer.downloaded;
    try {
      return await attempt(url, transfer, options);
    } catch (thrown) {
      throwIfAborted(options.signal);
      if (!(thrown instanceof Cut)) throw thrown;
      if (transfer.downloaded - before >= kGoodProgress) failures = 0;
      if (failures === kRetries || (failures === 0 && !thrown.answered)) {
        throw new HearthError("connection_lost", `${url}: ${thrown.message}.`, {
          subject: url,
          cause: thrown.cause ?? thrown,
        });
      }
      failures++;
      await pause((options.retryDelay ?? kRetryDelay) * 2 ** (failures - 1), options.signal);
    }
  }
}

async function attempt(url: string, transfer: Transfer, options: EnsureOptions): Promise<void> {
  const stall = new Stall(options);
  try {
    const from = transfer.continues(url) ? transfer.loaded : 0;
    const response = await request(url, transfer, from, stall, options);
    const start = response.status === 206 ? from : 0;
    if (response.status === 416) {
      await response.body?.cancel();
      // The server has nothing past what is here: either that was all, or the file has changed.
      const whole = wholeSize(response) ?? 0;
      checkTotal(url, transfer, whole);
      if (from > 0 && whole === from && (transfer.total || whole) === whole) return;
      await transfer.restart();
      throw new Cut("the server refuses to go on where the download stopped", true);
    }
    await checkAnswer(url, response);
    const version = versionOf(response);
    if (start > 0 && (!startsAt(response, start) || changed(transfer.validators(url), version))) {
      await response.body?.cancel();
      await transfer.restart();
      throw new Cut("the file changed at the server", true);
    }
    const total = totalOf(response, start);
    checkTotal(url, transfer, total);
    if (start === 0 && transfer.loaded > 0) await transfer.restart();
    transfer.from(url, version, total);
    await receive(response, transfer, stall);
    if (transfer.loaded < Math.max(total, transfer.source.size ?? 0)) {
      throw new Cut(
        `the connection ended after ${transfer.loaded} of ${transfer.total} bytes`,
        true,
      );
    }
  } finally {
    stall.end();
  }
}

async function request(
  url: string,
  transfer: Transfer,
  from: number,
  stall: Stall,
  options: EnsureOptions,
): Promise<Response> {
  const headers: Record<string, string> = {};
  if (from > 0) {
    headers.range = `bytes=${from}-`;
    const condition = ifRange(transfer.validators(url));
    // Across origins this header would need the server's leave first; there the answer's validators
    // and the hash have to do.
    if (condition !== undefined && (isNode() || isSameOrigin(url))) headers["if-range"] = condition;
  }
  // Let go of by the platform when it is sent on to another server.
  const { token } = transfer.source;
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  // So that lengths are those of the file. Browsers set it themselves where there is a range.
  if (isNode()) headers["accept-encoding"] = "identity";
  try {
    return await (options.fetch ?? fetch)(url, {
      headers,
      signal: stall.signal,
      cache: "no-store", // the browser's cache would keep a second copy
      referrerPolicy: "no-referrer",
    });
  } catch (cause) {
    throw new Cut(
      stall.reason ?? `the server cannot be reached (${reasonOf(cause)})`,
      false,
      cause,
    );
  }
}

async function checkAnswer(url: string, response: Response): Promise<void> {
  const type = response.headers.get("content-type") ?? "";
  const isPage = /^text\/html\b/i.test(type);
  if ((response.status === 200 || response.status === 206) && !isPage) return;
  await response.body?.cancel().catch(() => {});
  const { status } = response;
  if (status === 404 || status === 410) {
    throw new HearthError("not_found", `${url} does not exist (HTTP ${status}).`, {
      subject: url,
      status,
    });
  }
  if (response.ok && isPage) {
    // Servers of one-page apps answer every unknown path with the page.
    throw new HearthError("not_found", `${url} is a web page, not a model file.`, {
      subject: url,
      status,
    });
  }
  const gated = status === 401 || status === 403 ? ": it takes an access token" : "";
  throw new HearthError("http_status", `${url} answered with HTTP status ${status}${gated}.`, {
    subject: url,
    status,
  });
}

// A server that says beforehand that it has another file need not send it.
function checkTotal(url: string, transfer: Transfer, total: number): void {
  const { size, name } = transfer.source;
  if (size === undefined || total === 0 || total === size) return;
  const message = `${url} has ${total} bytes, not the ${size} of ${name}.`;
  if (total > size) throw new HearthError("checksum_mismatch", message, { subject: name });
  throw new HearthError("connection_lost", message, { subject: url });
}

async function receive(response: Response, transfer: Transfer, stall: Stall): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      stall.restart();
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new Cut(stall.reason ?? `the connection was lost (${reasonOf(cause)})`, true, cause);
      });
      if (done) return;
      transfer.downloaded += value.length;
      await transfer.append(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

// Bytes of the whole file as this answer tells, or 0. The length of a compressed body says nothing.
function totalOf(response: Response, start: number): number {
  const whole = wholeSize(response);
  if (response.status === 206 && whole !== undefined) return whole;
  const encoding = response.headers.get("content-encoding") ?? "identity";
  const length = Number(response.headers.get("content-length") ?? "");
  return encoding === "identity" && length > 0 ? start + length : 0;
}

// The N of `content-range: bytes A-B/N`, or of `bytes */N`.
function wholeSize(response: Response): number | undefined {
  const whole = /\/(\d+)\s*$/.exec(response.headers.get("content-range") ?? "");
  return whole === null ? undefined : Number(whole[1]);
}

// Servers need not let a page of another origin see this header: then it is believed.
function startsAt(response: Response, start: number): boolean {
  const range = response.headers.get("content-range");
  return range === null || range.trimStart().startsWith(`bytes ${start}-`);
}

function versionOf(response: Response): Version {
  const etag = response.headers.get("etag");
  const lastModified = response.headers.get("last-modified");
  return {
    ...(etag === null ? {} : { etag }),
    ...(lastModified === null ? {} : { lastModified }),
  };
}

function changed(before: Version | undefined, now: Version): boolean {
  const differs = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && a !== b;
  return differs(before?.etag, now.etag) || differs(before?.lastModified, now.lastModified);
}

// Only a strong validator may stand in If-Range; a weak one never matches.
function ifRange(version: Version | undefined): string | undefined {
  const { etag, lastModified } = version ?? {};
  return etag !== undefined && !etag.startsWith("W/") ? etag : lastModified;
}

function isSameOrigin(url: string): boolean {
  const here = (globalThis as { location?: { origin?: string } }).location?.origin;
  return here !== undefined && new URL(url, here).origin === here;
}

// Node hides what happened in the cause: ECONNREFUSED, ENOTFOUND, "other side closed".
function reasonOf(thrown: unknown): string {
  const { cause, message } = thrown as {
    cause?: { code?: string; message?: string };
    message?: string;
  };
  return cause?.code ?? cause?.message ?? message ?? String(thrown);
}

/** Ends a connection on the caller's signal, or when no byte came for too long. */
class Stall {
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly forward = (): void => this.controller.abort();
  /** Why it was ended, if it was for silence. */
  reason: string | undefined;

  constructor(private readonly options: EnsureOptions) {
    throwIfAborted(options.signal);
    options.signal?.addEventListener("abort", this.forward, { once: true });
    this.restart();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  restart(): void {
    clearTimeout(this.timer);
    const patience = this.options.stallTimeout ?? kStallTimeout;
    this.timer = setTimeout(() => {
      this.reason = `no byte came for ${patience / 1000} s`;
      this.controller.abort();
    }, patience);
  }

  end(): void {
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener("abort", this.forward);
  }
}

/** Waits; returns early when the signal fires. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
  });
}
