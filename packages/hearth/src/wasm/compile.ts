// Gets a build of the core and compiles it while it streams in.

import { HearthError } from "../errors.js";

/**
 * Fetches and compiles a module.
 *
 * @param url   Address of the .wasm file.
 * @param fetcher `fetch`, or a stand-in.
 * @throws HearthError `not_found`, `http_status`, `connection_lost`, `unsupported_device` when the
 * bytes do not compile here, or `aborted`.
 */
export async function compileFrom(
  url: string | URL,
  signal?: AbortSignal,
  fetcher: typeof fetch = fetch,
): Promise<WebAssembly.Module> {
  const subject = String(url);
  let response: globalThis.Response;
  try {
    response = await fetcher(url, signal ? { signal } : {});
  } catch (error) {
    throw HearthError.from(error, "connection_lost", subject);
  }
  if (!response.ok) {
    const missing = response.status === 404 || response.status === 410;
    throw new HearthError(
      missing ? "not_found" : "http_status",
      `The engine's WebAssembly was not served: HTTP ${response.status}.`,
      { subject, status: response.status },
    );
  }
  try {
    // Streaming compilation insists on the MIME type, which not every server knows.
    const type = response.headers.get("content-type") ?? "";
    if (typeof WebAssembly.compileStreaming === "function" && /^application\/wasm\b/.test(type)) {
      return await WebAssembly.compileStreaming(response);
    }
    return await WebAssembly.compile(await response.arrayBuffer());
  } catch (error) {
    throw HearthError.from(error, "unsupported_device", subject);
  }
}
