// The response headers of the app, in one place: the Vite servers, the static server in
// scripts/serve.mjs and the page's own <meta> all take them from here.

/**
 * Hosts that a model of the catalogue may be downloaded from. Hugging Face answers a download with
 * a redirect to its CDN, which lives under both domains.
 */
const modelHosts = ["https://huggingface.co", "https://*.huggingface.co", "https://*.hf.co"];

/** Directives that a <meta> element may carry. */
const directives = [
  "default-src 'self'",
  // Compiling WebAssembly counts as evaluation; eval() itself stays forbidden.
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  `connect-src 'self' ${modelHosts.join(" ")}`,
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "object-src 'none'",
  "frame-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
];

/** The policy as the page's <meta> carries it. */
export const pagePolicy = directives.join("; ");

/** The policy as a header, which may also say who frames the page. */
export const headerPolicy = [...directives, "frame-ancestors 'none'"].join("; ");

/**
 * What makes a page cross-origin isolated, and so gives it SharedArrayBuffer and threads. A
 * worker's script needs the second one too.
 */
export const isolationHeaders = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * On every response, isolated or not. The policy has to be a header because a worker takes the one
 * of its own script's response, not the page's <meta>, and the downloads happen in the worker.
 */
export const commonHeaders = {
  "Content-Security-Policy": headerPolicy,
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
