// For tests: where the software adapter is that Chromium ships, which Vulkan's loader does not find by
// itself.

import { existsSync } from "node:fs";

/** Where Debian's Chromium and Google's Chrome keep SwiftShader's manifest. */
const places = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

/** What VK_DRIVER_FILES is to say; undefined where there is no such browser. */
export function softwareDriver(): string | undefined {
  return places.find((path) => existsSync(path));
}

/** Has Dawn in this process find the software adapter, unless the environment names a driver. */
export function findSoftwareDriver(): void {
  const driver = softwareDriver();
  if (driver !== undefined) process.env.VK_DRIVER_FILES ??= driver;
}
