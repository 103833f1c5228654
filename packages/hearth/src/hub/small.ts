// Small documents over HTTP, kept in memory: listings and indexes, not weights.

import { HearthError, throwIfAborted } from "../errors.js";

// The index of the largest sharded models has 5 MB; what is longer is no list.
const kMostBytes = 64 << 20;
// A listing comes at once or not at all.
const kPatience = 30_000; // milliseconds

export interface SmallOptions {
  signal?: AbortSignal | undefined;
  /** An access token for the server. */
  token?: string | undefined;
  /** Instead of the platform's. */
  fetch?: typeof fetch | undefined;
}

/**
 * The text at an address. Throws `not_found` (also for a web page in its place), `http_status`,
 * `connection_lost`, `count_too_large`, `aborted`.
 */
export async function fetchText(url: string, options: SmallOptions = {}): Promise<string> {
  const response = await request(url, "GET", options);
  await refuse(url, response);
  try {
    return await readAll(url, response);
  } catch (thrown) {
    throw lost(url, thrown, options);
  }
}

async function request(url: string, method: string, options: SmallOptions): Promise<Response> {
  const { token } = options;
  throwIfAborted(options.signal);
  const patience = AbortSignal.timeout(kPatience);
  const signal = options.signal ? AbortSignal.any([options.signal, patience]) : patience;
  try {
    return await (options.fetch ?? fetch)(url, {
      method,
      signal,
      referrerPolicy: "no-referrer",
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
  } catch (thrown) {
    throw lost(url, thrown, options);
  }
}

function lost(url: string, thrown: unknown, { signal }: SmallOptions): HearthError {
  if (signal?.aborted) return new HearthError("aborted");
  if (thrown instanceof HearthError) return thrown;
  const { cause, message, name } = thrown as Error & { cause?: { code?: string } };
  const why = name === "TimeoutError" ? "no answer came" : (cause?.code ?? message);
  return new HearthError("connection_lost", `${url} cannot be reached (${why}).`, {
    subject: url,
    cause: thrown,
  });
}

/**
 * Whether a file is at an address: asked without its content. A server that does not answer such a
 * question is believed to have it. Throws `connection_lost`, `aborted`.
 */
export async function isThere(url: string, options: SmallOptions = {}): Promise<boolean> {
  const response = await request(url, "HEAD", options);
  const { status } = response;
  const isPage = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  return status !== 404 && status !== 410 && !(response.ok && isPage);
}

async function refuse(url: string, response: Response): Promise<void> {
  const { status } = response;
  const isPage = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  if (response.ok && !isPage) return;
  await response.body?.cancel().catch(() => {});
  const subject = url;
  if (status === 401 || status === 403) {
    const message = `${url} is private, gated or missing (HTTP ${status}): it takes an access token.`;
    throw new HearthError("http_status", message, { subject, status });
  }
  if (response.ok || status === 404 || status === 410) {
    const message = response.ok
      ? `${url} is a web page.`
      : `${url} does not exist (HTTP ${status}).`;
    throw new HearthError("not_found", message, { subject, status });
  }
  const message = `${url} answered with HTTP status ${status}.`;
  throw new HearthError("http_status", message, { subject, status });
}

async function readAll(url: string, response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || value === undefined) return text + decoder.decode();
    bytes += value.length;
    if (bytes > kMostBytes) {
      await reader?.cancel().catch(() => {});
      throw new HearthError("count_too_large", `${url} is too long for a list of files.`, {
        subject: url,
      });
    }
    text += decoder.decode(value, { stream: true });
  }
}
