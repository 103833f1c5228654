// The page side of Hearth: the public package as an app would use it.

import { createEngine } from "hearth";

let engine;

/**
 * @param {{ url: string, threads: number }} options
 * @returns {Promise<{ seconds: number, threads: number, variant: string, source: string }>}
 *   from its own store in OPFS to ready
 */
export async function load({ url, threads }) {
  const options = { model: url, device: "wasm", threads, contextLength: 1024 };
  let began = performance.now();
  engine = await createEngine(options);
  if (engine.info.source === "network") {
    // The first time in this profile: the download is not measured.
    await engine.close();
    began = performance.now();
    engine = await createEngine(options);
  }
  const seconds = (performance.now() - began) / 1000;
  const { variant, source } = engine.info;
  return { seconds, threads: engine.info.threads, variant, source };
}

/** Greedy continuation; see lib/peer.mjs. */
export async function generate({ ids, count }) {
  const began = performance.now();
  let first = 0;
  let last = 0;
  let usage;
  const chunks = await engine.completions.create({
    prompt: ids,
    max_tokens: count,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of chunks) {
    if (chunk.choices[0]?.text) {
      last = performance.now();
      first ||= last;
    }
    if (chunk.usage) usage = chunk.usage;
  }
  return {
    promptTokens: usage.prompt_tokens,
    tokens: usage.completion_tokens,
    firstSeconds: (first - began) / 1000,
    lastSeconds: (last - began) / 1000,
  };
}
