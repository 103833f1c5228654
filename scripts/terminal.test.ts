/** What the demo prints fits the terminal, however the text is cut into pieces. */
import { expect, it } from "vitest";
import { bar, columns, facts, Wrapper } from "./terminal.mjs";

function wrap(width: number, pieces: readonly string[]): string {
  let out = "";
  const wrapper = new Wrapper(width, (text) => {
    out += text;
  });
  for (const piece of pieces) wrapper.write(piece);
  wrapper.end();
  return out;
}

const text = "The capital of France is Paris.\n\n- the  Louvre\n  - and\nPneumonoultramicroscopic.";

it("breaks between words, keeps indentation, and cuts what is longer than a line", () => {
  expect(wrap(12, [text])).toBe(
    "The capital\nof France is\nParis.\n\n- the\nLouvre\n  - and\nPneumonoultr\namicroscopic\n.\n\n",
  );
});

it("prints the same however the text is cut into pieces", () => {
  for (const width of [9, 20, 40, 80]) {
    const whole = wrap(width, [text]);
    expect(wrap(width, [...text])).toBe(whole);
    expect(wrap(width, text.split(/(?<= )/))).toBe(whole);
    expect(Math.max(...whole.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
  }
});

const progress = { loaded: 49.2e6, total: 98.4e6, bytesPerSecond: 24.3e6, secondsLeft: 2.1 };

it("draws a bar that fits, with as many notes as there is room for", () => {
  expect(bar("Downloading", progress, 80)).toMatch(
    /^Downloading █+░+ {2}50 % {2}49\.2 MB of 98\.4 MB {2}24\.3 MB\/s {2}2 s left$/,
  );
  expect(bar("Downloading", progress, 40)).toMatch(/^Downloading █+░+ {2}50 %/);
  for (const width of [20, 30, 40, 60, 80]) {
    expect(bar("Downloading", progress, width).length).toBeLessThanOrEqual(width);
  }
  expect(bar("Finding the model", { loaded: 0, total: 0 }, 40)).toBe("Finding the model");
});

it("lays out facts, with long values below themselves", () => {
  const rows = [
    ["Model", "small"],
    ["Weights from", "this browser's store, nothing downloaded"],
  ] as const;
  expect(facts(rows, 80)).toBe(
    "Model         small\nWeights from  this browser's store, nothing downloaded",
  );
  expect(facts(rows, 40)).toBe(
    "Model         small\nWeights from  this browser's store,\n              nothing downloaded",
  );
});

it("takes the terminal's width, within reason", () => {
  expect(columns({ columns: 200 })).toBe(80);
  expect(columns({ columns: 40 })).toBe(40);
  expect(columns({ columns: 5 })).toBe(20);
  expect(columns({})).toBe(80);
});
