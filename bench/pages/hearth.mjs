// The page side of Hearth: the public package as an app would use it.

import { createEngine } from "hearth";
import { timedGenerate } from "./timed-generate.mjs";

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
export const generate = ({ ids, count }) => timedGenerate(engine, ids, count);
