// For tests: the software adapter that Chromium ships, through Dawn. Slow, but of the same rules as a
// graphics card.

import { type Gpu, type GpuWanted, openGpu } from "../gpu/adapter.js";
import { nodeGpu } from "../gpu/node-gpu.js";
import { findSoftwareDriver } from "./software-driver.js";

/** A device, and `last`, the one made last: for a test to take away. */
export class SoftwareGpus {
  last: Gpu | undefined;
  opened = 0;
  /** Runs before a device is opened; may throw. */
  before: () => void = () => {};

  async open(wanted: Partial<GpuWanted> = {}): Promise<Gpu> {
    this.before();
    findSoftwareDriver();
    this.opened++;
    this.last = await openGpu(nodeGpu, { ...wanted, software: true });
    return this.last;
  }

  /** Takes the last device away, as a driver's reset does. */
  lose(): void {
    this.last?.device.raw.destroy();
  }
}
