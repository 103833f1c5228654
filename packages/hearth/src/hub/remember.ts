// What a model's name led to the last time, kept in the store: a model that is here opens without a
// connection, and without asking anyone.

import { HearthError } from "../errors.js";
import type { Store } from "../store/store.js";
import { hashOf } from "./address.js";
import { allFiles, type ModelFiles } from "./model-files.js";

export interface RememberOptions {
  store: Store;
  /** What is asked for, with everything that the answer depends on. */
  question: string;
  /** Given to the sources: it is not written down. */
  token: string | undefined;
  /** Whether to ask even if every file is here. */
  refresh: boolean;
}

/**
 * Answers from memory when every file of the answer is in the store, or when nobody can be reached;
 * else asks, and remembers.
 */
export async function remembered(
  { store, question, token, refresh }: RememberOptions,
  ask: () => Promise<ModelFiles>,
): Promise<ModelFiles> {
  const key = `model ${(await hashOf(question)).slice(0, 24)}`;
  const known = withToken(parse(await store.memo(key)), token);
  if (known !== undefined && !refresh && (await allHere(store, known))) return known;
  try {
    const files = await ask();
    const written = withToken(files, undefined);
    await store.setMemo(key, JSON.stringify(written));
    return files;
  } catch (thrown) {
    if (known !== undefined && HearthError.from(thrown).code === "connection_lost") return known;
    throw thrown;
  }
}

async function allHere(store: Store, files: ModelFiles): Promise<boolean> {
  for (const file of allFiles(files)) {
    if ((await store.note(file.key)) === undefined) return false;
  }
  return true;
}

function withToken(files: ModelFiles, token: string | undefined): ModelFiles;
function withToken(
  files: ModelFiles | undefined,
  token: string | undefined,
): ModelFiles | undefined;
function withToken(
  files: ModelFiles | undefined,
  token: string | undefined,
): ModelFiles | undefined {
  if (files === undefined) return undefined;
  const copy = structuredClone(files);
  for (const file of allFiles(copy)) {
    delete file.token;
    if (token !== undefined) file.token = token;
  }
  return copy;
}

/** What was written, if it can still be read. */
function parse(text: string | undefined): ModelFiles | undefined {
  try {
    const files = JSON.parse(text ?? "null") as ModelFiles | null;
    const whole = files !== null && Array.isArray(files.weights) && files.weights.length > 0;
    return whole && allFiles(files).every(isSource) ? files : undefined;
  } catch {
    return undefined;
  }
}

function isSource(file: { key?: unknown; name?: unknown; urls?: unknown }): boolean {
  return typeof file.key === "string" && typeof file.name === "string" && Array.isArray(file.urls);
}
