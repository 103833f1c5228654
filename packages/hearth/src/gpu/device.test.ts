// Failures of a device as typed errors, on a real one.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SoftwareGpus } from "../testing/software-gpu.js";
import type { Device } from "./device.js";
import { usage } from "./flags.js";

let device: Device;
beforeEach(async () => {
  device = (await new SoftwareGpus().open()).device;
});
afterEach(() => device.destroy());

describe("a device", () => {
  it("turns what it refuses into gpu_error, without harm to what comes next", async () => {
    const create = (wrong: number) => () => device.raw.createBuffer({ size: 16, usage: wrong });
    const refused = device.scoped("a buffer", create(usage.mapRead | usage.storage));
    await expect(refused).rejects.toMatchObject({ code: "gpu_error", subject: "a buffer" });
    const made = await device.scoped("a buffer", create(usage.storage));
    expect(made.size).toBe(16);
  });

  it("keeps scopes apart that are open at the same time", async () => {
    const results = await Promise.allSettled([
      device.scoped("right", () => device.raw.createBuffer({ size: 16, usage: usage.storage })),
      device.scoped("wrong", () => device.raw.createBuffer({ size: 16, usage: 0 })),
      device.scoped("right", () => device.raw.createBuffer({ size: 16, usage: usage.storage })),
    ]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("remembers an error that no scope caught", async () => {
    const one = device.raw.createBuffer({ size: 16, usage: usage.copyDst });
    const encoder = device.raw.createCommandEncoder();
    encoder.copyBufferToBuffer(one, 0, one, 0, 16);
    device.raw.queue.submit([encoder.finish()]);
    await device.raw.queue.onSubmittedWorkDone();
    expect(() => device.check()).toThrow(expect.objectContaining({ code: "gpu_error" }));
  });

  it("tells whether memory is to be had", async () => {
    expect(await device.fits(1 << 20, 1 << 19)).toBe(true);
    // 8 terabytes are more than any machine has to give.
    expect(await device.fits(2 ** 43, 1 << 30)).toBe(false);
  });

  it("answers device_lost once it is lost, and invalid_handle once it was given back", async () => {
    const buffer = device.raw.createBuffer({ size: 16, usage: usage.mapRead | usage.copyDst });
    const mapping = device.settle(buffer.mapAsync(1), "answer");
    device.raw.destroy();
    await expect(mapping).rejects.toMatchObject({ code: "device_lost" });
    expect(device.isLost).toBe(true);
    await expect(device.scoped("more", () => {})).rejects.toMatchObject({ code: "device_lost" });

    const other = (await new SoftwareGpus().open()).device;
    other.destroy();
    await other.raw.lost;
    expect(() => other.check()).toThrow(expect.objectContaining({ code: "invalid_handle" }));
  });
});
