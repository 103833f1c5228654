import { describe, expect, it } from "vitest";
import { Queue } from "./queue.js";

const gate = () => {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

describe("Queue", () => {
  it("runs one at a time, in order", async () => {
    const queue = new Queue();
    const first = gate();
    const log: string[] = [];
    const a = queue.run(async () => {
      log.push("a");
      await first.opened;
      log.push("a ends");
    });
    const b = queue.run(async () => log.push("b"));
    await new Promise(setImmediate);
    expect(log).toEqual(["a"]);
    first.open();
    await Promise.all([a, b]);
    expect(log).toEqual(["a", "a ends", "b"]);
  });

  it("goes on after a failure", async () => {
    const queue = new Queue();
    const failed = queue.run(async () => Promise.reject(new Error("no")));
    await expect(failed).rejects.toThrow("no");
    await expect(queue.run(async () => 5)).resolves.toBe(5);
  });

  it("lets one leave while it waits, at once and without running", async () => {
    const queue = new Queue();
    const first = gate();
    const a = queue.run(() => first.opened);
    const controller = new AbortController();
    let ran = false;
    const b = queue.run(async () => {
      ran = true;
    }, controller.signal);
    controller.abort();
    await expect(b).rejects.toMatchObject({ code: "aborted" });
    first.open();
    await a;
    await expect(queue.run(async () => "next")).resolves.toBe("next");
    expect(ran).toBe(false);
  });

  it("takes nobody whose signal has fired already", async () => {
    const run = new Queue().run(async () => 1, AbortSignal.abort());
    await expect(run).rejects.toMatchObject({ code: "aborted" });
  });
});
