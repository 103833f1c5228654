// A GPU in detail, for people who want to know what they have.

import type { AdapterReport, MatrixShape } from "../engine/diagnosis-types.js";
import { type Gpu, type MatrixConfig, raisedLimits, wantedFeatures } from "./adapter.js";

/** What WebGPU and the core know of an open device. */
export function reportOf({ device, adapter, software }: Gpu): AdapterReport {
  const { features, limits, adapterInfo } = device.raw;
  const { vendor = "", architecture = "", device: card = "" } = adapterInfo ?? {};
  const { subgroupMatrixConfigs = [] } = (adapterInfo ?? {}) as {
    subgroupMatrixConfigs?: Iterable<MatrixConfig>;
  };
  return {
    description: adapter.description,
    features: adapter.features,
    software,
    vendor,
    architecture,
    device: card,
    has: Object.fromEntries(wantedFeatures.map((name) => [name, features.has(name)])),
    limits: Object.fromEntries(raisedLimits.map((name) => [name, limits[name]])),
    subgroupMin: adapter.subgroupMin,
    subgroupMax: adapter.subgroupMax,
    matrices: [...subgroupMatrixConfigs].map(shapeOf),
  };
}

function shapeOf({ componentType, resultComponentType, M, N, K }: MatrixConfig): MatrixShape {
  return { component: componentType, result: resultComponentType, m: M, n: N, k: K };
}
