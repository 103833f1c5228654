// What is remembered of adapters.

import { expect, it } from "vitest";
import { FileStore } from "../store/file-store.js";
import { MemoryBackend } from "../store/memory.js";
import { digest, learn, placeOf, recall } from "./memory.js";

it("adds to what is known of a place, and keeps places apart", async () => {
  const memos = new FileStore(new MemoryBackend());
  await learn(memos, "a", { verdicts: { one: true }, choices: [{ key: "k", value: "1" }] });
  await learn(memos, "a", { verdicts: { two: false }, choices: [{ key: "k", value: "2" }] });
  await learn(memos, "b", { verdicts: { one: false } });
  expect(await recall(memos, "a")).toEqual({
    verdicts: { one: true, two: false },
    choices: [{ key: "k", value: "2" }],
  });
  expect(await recall(memos, "b")).toEqual({ verdicts: { one: false }, choices: [] });
});

it("forgets the adapters seen longest ago, and a memo that is damaged", async () => {
  const memos = new FileStore(new MemoryBackend());
  for (let i = 0; i < 9; i++) await learn(memos, `card ${i}`, { verdicts: { one: true } });
  expect((await recall(memos, "card 0")).verdicts).toEqual({});
  expect((await recall(memos, "card 1")).verdicts).toEqual({ one: true });
  await memos.setMemo("gpu", '{"card 1": {"verd');
  expect((await recall(memos, "card 1")).verdicts).toEqual({});
});

it("works without a store that works", async () => {
  const fail = async () => {
    throw new Error("full");
  };
  const memos = { memo: fail, setMemo: fail };
  await learn(memos, "a", { verdicts: { one: true } });
  expect(await recall(memos, "a")).toEqual({ verdicts: {}, choices: [] });
});

it("tells engines and texts apart", () => {
  expect(placeOf("card", "1")).not.toBe(placeOf("card", "2"));
  // FNV-1a's published value of "a" is the first half.
  expect(digest("a").startsWith("e40c292c")).toBe(true);
  expect(new Set(["", "a", "b", "ab", "ba"].map(digest)).size).toBe(5);
});
