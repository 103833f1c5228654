import { expect, test } from "vitest";
import { begin, end, place, type Row, report } from "./report.mjs";

const row = (name: string, where: Row["where"], threads: number, decode: number[]): Row => ({
  name,
  where,
  threads,
  version: `${name} 1`,
  samples: decode.map((one) => ({
    loadSeconds: 100 / one,
    prefill: { 32: one * 10 },
    decode: one,
  })),
});

const lines = (rows: Row[]) =>
  report({ rows, facts: [["Node", "v20"]], lengths: [32], steps: 64 }).split("\n");

test("a row has the median and the extremes", () => {
  const found = lines([row("wllama", "browser", 2, [8, 10, 9])]);
  expect(found).toContain(
    "| wllama, Chromium, 2 threads | 11.1 (10.0–12.5) | 90.0 (80.0–100) | 9.00 (8.00–10.0) |",
  );
});

test("Hearth is divided by peers of as many threads, and more is always better", () => {
  const found = lines([
    row("Hearth", "browser", 1, [20]),
    row("Hearth", "native", 1, [50]),
    row("wllama", "browser", 1, [10]),
    row("wllama", "browser", 2, [40]),
    row("llama.cpp", "native", 1, [100]),
  ]).filter((line) => line.includes(" over "));
  expect(found).toEqual([
    "| Hearth, Chromium, 1 thread over wllama (Chromium) | 2.00× | 2.00× | 2.00× |",
    "| Hearth, Chromium, 1 thread over llama.cpp (native) | 0.200× | 0.200× | 0.200× |",
    "| Hearth, native, 1 thread over llama.cpp (native) | 0.500× | 0.500× | 0.500× |",
  ]);
});

test("the table replaces what is between the markers and nothing else", () => {
  const page = `before\n${begin}\nold\n${end}\nafter\n`;
  const once = place(page, "new");
  expect(once).toBe(`before\n${begin}\n\nnew\n\n${end}\nafter\n`);
  expect(place(once, "new")).toBe(once);
});

test("a page without markers is refused", () => {
  expect(() => place("words", "new")).toThrow("no markers");
  expect(() => place(`${end} ${begin}`, "new")).toThrow("no markers");
});
