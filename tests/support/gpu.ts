// The environment of a process that is to find a GPU: the machine's own where VK_DRIVER_FILES names its
// driver, else SwiftShader, the software adapter that Chromium ships.

import { tmpdir } from "node:os";
import { softwareDriver } from "../../packages/hearth/src/testing/software-driver.js";

export function gpuEnvironment(): NodeJS.ProcessEnv {
  const driver = softwareDriver();
  return {
    ...(driver === undefined ? {} : { VK_DRIVER_FILES: driver }),
    // A windowing library that the driver loads complains on standard error when there is none.
    XDG_RUNTIME_DIR: tmpdir(),
    ...process.env,
  };
}
