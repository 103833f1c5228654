// The environment of a process that is to find a GPU: the machine's own where VK_DRIVER_FILES names its
// driver, else SwiftShader, the software adapter that Chromium ships.

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";

/** Where Debian's Chromium and Google's Chrome keep SwiftShader's manifest for Vulkan's loader. */
const softwareDrivers = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

export function gpuEnvironment(): NodeJS.ProcessEnv {
  const driver = softwareDrivers.find((path) => existsSync(path));
  return {
    ...(driver === undefined ? {} : { VK_DRIVER_FILES: driver }),
    // A windowing library that the driver loads complains on standard error when there is none.
    XDG_RUNTIME_DIR: tmpdir(),
    ...process.env,
  };
}
