import { expect, it } from "vitest";
import {
  formatBytes,
  formatParameters,
  formatRate,
  formatSeconds,
  formatTimeLeft,
} from "./format.js";

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [98_362_432, "98.4 MB"],
  [999_600, "1.00 MB"],
  [123_456_789, "123 MB"],
  [4.7e9, "4.70 GB"],
  [-1, "0 B"],
])("formats %d bytes", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [0.336, "0.34 s"],
  [4.21, "4.2 s"],
  [48.4, "48 s"],
  [200, "3 min 20 s"],
  [180, "3 min"],
  [3900, "1 h 5 min"],
])("formats %d seconds", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

it.each([
  [0.2, "1 s"],
  [3.4, "3 s"],
  [75, "1 min 15 s"],
])("formats %d seconds left", (seconds, text) => expect(formatTimeLeft(seconds)).toBe(text));

it.each([
  [134_515_008, "135M"],
  [1.7e9, "1.7B"],
  [999.9e6, "1B"],
])("formats %d parameters", (count, text) => expect(formatParameters(count)).toBe(text));

it.each([
  [41.23, "41.2"],
  [128.4, "128"],
])("formats a rate of %d", (rate, text) => expect(formatRate(rate)).toBe(text));
