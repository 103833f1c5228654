// For tests: the software adapter that Chromium ships, through Dawn. Slow, but of the same rules as a
// graphics card.

import { existsSync } from "node:fs";
import { type Gpu, type GpuWanted, openGpu } from "../gpu/adapter.js";
import { nodeGpu } from "../gpu/node-gpu.js";

/** Where distributions put Chromium's SwiftShader. */
const drivers = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

/** A device, and `last`, the one made last: for a test to take away. */
export class SoftwareGpus {
  last: Gpu | undefined;
  opened = 0;
  /** Runs before a device is opened; may throw. */
  before: () => void = () => {};

  async open(wanted: Partial<GpuWanted> = {}): Promise<Gpu> {
    this.before();
    const driver = drivers.find((path) => existsSync(path));
    if (driver !== undefined) process.env.VK_DRIVER_FILES ??= driver;
    this.opened++;
    this.last = await openGpu(nodeGpu, { ...wanted, software: true });
    return this.last;
  }

  /** Takes the last device away, as a driver's reset does. */
  lose(): void {
    this.last?.device.raw.destroy();
  }
}
