// What was learned about adapters, kept in the store from one visit to the next: which kernels proved
// right there, and which settings of them are fastest.

import type { GpuChoice } from "../abi.generated.js";
import type { Store } from "../store/store.js";

/** What is known of one adapter, under one engine and one browser. */
export interface Learned {
  /** Whether a kernel passed its check, by its name and the digest of its source. */
  verdicts: Record<string, boolean>;
  choices: GpuChoice[];
}

/** The part of a store that this needs. */
export type Memos = Pick<Store, "memo" | "setMemo">;

const key = "gpu";
/**
 * Adapters that are remembered, so that the memo does not grow with every update of a browser or a
 * driver: more than anybody plugs in.
 */
const mostAdapters = 8;

type Memo = Record<string, Learned>;

function parse(text: string | undefined): Memo {
  try {
    const memo: unknown = JSON.parse(text ?? "{}");
    return typeof memo === "object" && memo !== null ? (memo as Memo) : {};
  } catch {
    return {}; // cut short by a crash: everything is learned again
  }
}

/** What tells one set of findings from another: a driver or compiler that changes may change results. */
export function placeOf(description: string, engineVersion: string): string {
  const { userAgent = "" } = (globalThis.navigator ?? {}) as { userAgent?: string };
  return `${description}; Hearth ${engineVersion}; ${userAgent}`;
}

/** What is known of a place; nothing when it cannot be read. */
export async function recall(memos: Memos, place: string): Promise<Learned> {
  const text = await memos.memo(key).catch(() => undefined);
  const { verdicts = {}, choices = [] } = parse(text)[place] ?? {};
  return { verdicts, choices };
}

/** Adds to what is known of a place. A store that cannot keep it costs time, nothing else. */
export async function learn(
  memos: Memos,
  place: string,
  found: { verdicts?: Record<string, boolean>; choices?: GpuChoice[] },
): Promise<void> {
  const memo = parse(await memos.memo(key).catch(() => undefined));
  const { verdicts = {}, choices = [] } = memo[place] ?? {};
  const renewed = new Set(found.choices?.map((choice) => choice.key));
  delete memo[place];
  memo[place] = {
    verdicts: { ...verdicts, ...found.verdicts },
    choices: [...choices.filter((choice) => !renewed.has(choice.key)), ...(found.choices ?? [])],
  };
  // The last ones learned of are at the end.
  const kept = Object.fromEntries(Object.entries(memo).slice(-mostAdapters));
  await memos.setMemo(key, JSON.stringify(kept)).catch(() => {});
}

/** Forgets every place. */
export async function forget(memos: Memos): Promise<void> {
  await memos.setMemo(key, "{}");
}

/** A short digest of a text: FNV-1a, twice over for 64 bits. Not against anybody's malice. */
export function digest(text: string): string {
  return [0x811c9dc5, 0x9747b28c].map((start) => fnv(text, start).toString(16)).join("");
}

function fnv(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
