// The service worker that `isolate` registers: it answers a page's requests with what the network
// answers, and adds the headers by which a browser isolates the page.
// Headers: https://html.spec.whatwg.org/multipage/browsers.html#coep

/** The part of a service worker's scope that this needs; its types are no part of the DOM's. */
interface Scope {
  readonly location: { readonly search: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install", listener: () => void): void;
  addEventListener(type: "activate", listener: (event: Extendable) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetch) => void): void;
}
interface Extendable {
  waitUntil(done: Promise<unknown>): void;
}
interface Fetch {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

const scope = globalThis as unknown as Scope;

// What the page found out that this browser takes.
const embedder = new URLSearchParams(scope.location.search).get("embedder") ?? "require-corp";

scope.addEventListener("install", () => void scope.skipWaiting());
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  // Chromium's developer tools ask so, and fetch() refuses it.
  if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
  event.respondWith(answer(request));
});

async function answer(request: Request): Promise<Response> {
  // Without credentials an answer of another origin needs no permission to be embedded.
  const bare = embedder === "credentialless" && request.mode === "no-cors";
  const response = await fetch(bare ? new Request(request, { credentials: "omit" }) : request);
  // Answers that may not be read may not be copied either; those of redirects have no headers.
  if (response.type === "opaque" || response.type === "opaqueredirect" || response.status === 0) {
    return response;
  }
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", embedder);
  headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}
