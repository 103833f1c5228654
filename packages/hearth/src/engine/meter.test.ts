import { describe, expect, it } from "vitest";
import { Meter } from "./meter.js";
import type { Progress } from "./types.js";

function metered() {
  const reports: Progress[] = [];
  const clock = { now: 100 };
  const meter = new Meter(
    (progress) => reports.push(progress),
    () => clock.now,
  );
  const at = (seconds: number, loaded: number, total = 1000) => {
    clock.now = 100 + seconds;
    meter.update({ phase: "download", file: "a.gguf", source: "network", loaded, total });
  };
  return { meter, reports, at };
}

describe("Meter", () => {
  it("reports speed and time left", () => {
    const { meter, reports, at } = metered();
    meter.start("download", "a.gguf", "network", 1000);
    at(1, 100);
    at(2, 200);
    expect(reports.at(-1)).toMatchObject({ loaded: 200, bytesPerSecond: 100, secondsLeft: 8 });
  });

  it("forgets what is longer ago than three seconds", () => {
    const { meter, reports, at } = metered();
    meter.start("download", "a.gguf", "network", 1000);
    for (let second = 1; second <= 5; second++) at(second, 0);
    for (let second = 6; second <= 9; second++) at(second, (second - 5) * 100);
    expect(reports.at(-1)?.bytesPerSecond).toBe(100);
  });

  it("reports twenty times a second at most, and the end always", () => {
    const { meter, reports, at } = metered();
    meter.start("download", "a.gguf", "network", 1000);
    for (let i = 1; i <= 104; i++) at(i / 1024, i); // a tenth of a second, exact in binary
    expect(reports.length).toBe(3);
    at(105 / 1024, 1000);
    expect(reports.at(-1)).toMatchObject({ loaded: 1000, secondsLeft: 0 });
  });

  it("promises no end while the total is unknown", () => {
    const { meter, reports, at } = metered();
    meter.start("download", "a.gguf", "network");
    at(1, 100, 0);
    expect(reports.at(-1)?.secondsLeft).toBeUndefined();
  });
});
