import { describe, expect, it } from "vitest";
import { fakeHearth, hearth } from "../testing.js";
import { median } from "./bench.js";

const logits = () => ({ rows: 1, vocabSize: 1, logits: new Float32Array(1) });
const line = ["bench", "m", "--prefill", "8,32", "--tokens", "2", "--repeat", "3"];

describe("hearth bench", () => {
  it("measures each length and repetition, and once more that is not counted", async () => {
    const { hearth: api, calls } = fakeHearth({ logits });
    const { code, stdout } = await hearth([...line, "--json"], { hearth: api });
    expect(code).toBe(0);
    const { engine, results } = JSON.parse(stdout);
    expect(engine.variant).toBe("relaxed-mt");
    expect(
      results.map(
        ({ test, tokens, seconds }: { test: string; tokens: number; seconds: number[] }) => [
          test,
          tokens,
          seconds.length,
        ],
      ),
    ).toEqual([
      ["load", 0, 1],
      ["prefill", 8, 3],
      ["prefill", 32, 3],
      ["decode", 2, 3],
    ]);
    // The fake clock moves a tenth of a second between two readings.
    expect(results[1].tokensPerSecond).toBeCloseTo(80, 6);
    const prefills = calls.forwards.filter(({ reset }) => reset).map(({ ids }) => ids.length);
    expect(prefills).toEqual([8, 8, 8, 8, 32, 32, 32, 32, 16, 16, 16, 16]);
    const decodes = calls.forwards.filter(({ reset }) => !reset);
    expect(decodes.map(({ ids }) => ids.length)).toEqual(new Array(8).fill(1));
    expect(Math.max(...calls.forwards.flatMap(({ ids }) => ids))).toBeLessThan(49152);
    expect(calls.closed).toBe(1);
  });

  it("prints a table in 100 and in 40 columns", async () => {
    const wide = await hearth(line, { hearth: fakeHearth({ logits }).hearth, columns: 100 });
    expect(wide.stdout).toMatchInlineSnapshot(`
      "smollm2-135m-instruct on wasm (relaxed-mt, 2 threads), loaded in 420 ms from the store, nothing
      downloaded

      test     tokens  median  tokens/s            range
      load             420 ms
      prefill       8  100 ms      80.0  100 ms – 100 ms
      prefill      32  100 ms     320.0  100 ms – 100 ms
      decode        2  100 ms      20.0  100 ms – 100 ms
      "
    `);
    const narrow = await hearth(line, { hearth: fakeHearth({ logits }).hearth, columns: 40 });
    expect(narrow.stdout).toMatchInlineSnapshot(`
      "smollm2-135m-instruct on wasm
      (relaxed-mt, 2 threads), loaded in 420
      ms from the store, nothing downloaded

      test     tokens  median  tokens/s
      load             420 ms
      prefill       8  100 ms      80.0
      prefill      32  100 ms     320.0
      decode        2  100 ms      20.0
      "
    `);
  });

  it("refuses lengths that are none", async () => {
    for (const value of ["0", "128,", "many"]) {
      expect((await hearth(["bench", "--prefill", value])).code).toBe(2);
    }
    expect((await hearth(["bench", "--repeat", "0"])).code).toBe(2);
  });

  it("takes the median of odd and even numbers of values", () => {
    expect(median([3, 1, 10])).toBe(3);
    expect(median([4, 1, 10, 2])).toBe(3);
    expect(median([5])).toBe(5);
  });
});
