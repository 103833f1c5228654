import { expect, it } from "vitest";
import { defaultSettings, sanitize } from "./settings.js";

it("leaves settings within bounds alone", () => {
  const settings = { system: "Be brief.", temperature: 0, topP: 1, maxTokens: 1, seed: 0 };
  expect(sanitize(settings)).toEqual(settings);
  expect(sanitize(defaultSettings)).toEqual(defaultSettings);
});

it("brings numbers within bounds, and whole ones to whole numbers", () => {
  const settings = { system: "", temperature: 9, topP: 0, maxTokens: 7.6, seed: -3.2 };
  expect(sanitize(settings)).toEqual({
    system: "",
    temperature: 2,
    topP: 0.05,
    maxTokens: 8,
    seed: 0,
  });
});

it("puts the default in the place of what is no number", () => {
  const nothing = Number.NaN;
  expect(
    sanitize({
      system: "",
      temperature: nothing,
      topP: nothing,
      maxTokens: nothing,
      seed: nothing,
    }),
  ).toEqual({ ...defaultSettings, seed: undefined });
});
