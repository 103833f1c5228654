// Threads for pages whose server cannot send headers: a service worker adds them on the way.

import { HearthError } from "../errors.js";
import { isNode } from "../store/store.js";

export interface IsolateOptions {
  /**
   * Address of `isolate-worker.js`, which the package has in `dist/` and which must be copied to where
   * the page is or above it: a service worker sees only what lies below its own address. Default
   * `"isolate-worker.js"`, beside the page.
   */
  script?: string | URL;
  /** Whether the page may be loaded again, which isolates it; true. */
  reload?: boolean;
}

/** Whether the page has threads, and if not, why. */
export interface Isolation {
  isolated: boolean;
  /** A sentence to show. */
  reason?: string;
}

const mark = "hearth-isolate";
// Many times what a worker takes to start; for a page out of its reach nothing else tells.
const patience = 10_000; // milliseconds

/**
 * Isolates the page from others, so that Hearth can use threads, where the server does not send the two
 * headers that do it. The first visit registers a service worker and loads the page once more; later
 * ones are isolated from the start. Call it before anything else, and go on only when it returns.
 *
 * @returns `isolated`, true at once where the headers are sent, and in Node; or false with the reason.
 * While the page is being loaded again it does not return.
 * @throws HearthError `not_found` when the script is not there.
 * @example
 * const { isolated, reason } = await isolate();
 */
export async function isolate(options: IsolateOptions = {}): Promise<Isolation> {
  const { script = "isolate-worker.js", reload = true } = options;
  if (isNode() || globalThis.crossOriginIsolated) {
    if (!isNode()) sessionStorage.removeItem(mark);
    return { isolated: true };
  }
  if (!globalThis.isSecureContext) {
    return { isolated: false, reason: "Threads need HTTPS, or localhost." };
  }
  const { serviceWorker } = navigator;
  if (!serviceWorker) {
    return { isolated: false, reason: "This browser offers the page no service worker." };
  }
  const address = new URL(script, document.baseURI);
  address.searchParams.set("embedder", embedderPolicy());
  try {
    await serviceWorker.register(address);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HearthError("not_found", `The service worker cannot be registered: ${why}`, {
      subject: address.href,
      cause,
    });
  }
  if (!(await within(serviceWorker.ready))) {
    const reason = "The service worker is not of this page: its script lies elsewhere.";
    return { isolated: false, reason };
  }
  // Loaded through the worker already, and still not isolated: once more would not help.
  if (sessionStorage.getItem(mark) !== null) {
    sessionStorage.removeItem(mark);
    return { isolated: false, reason: "This browser does not isolate pages by a service worker." };
  }
  if (!reload) return { isolated: false, reason: "The page has to be loaded again." };
  sessionStorage.setItem(mark, "1");
  location.reload();
  return new Promise(() => {});
}

/** `credentialless` asks less of what the page embeds; Safari does not know it. */
function embedderPolicy(): "credentialless" | "require-corp" {
  const { credentialless } = globalThis as { credentialless?: unknown };
  return credentialless === undefined ? "require-corp" : "credentialless";
}

/** Whether a promise is fulfilled in time. */
function within(promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), patience);
    void promise.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
