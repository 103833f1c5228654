// The order of columns that a matrix of GPTQ was quantized in: the core makes it of the groups that a
// file has, as they may be wrong in ways that only it knows.

import type { GpuLoad } from "../abi.generated.js";
import type { Core } from "../core/core.js";

/** Gives what goes to a load's target for the bytes of the file. Throws `malformed_tensor`. */
export type ColumnOrderOf = (load: GpuLoad, groups: Uint8Array) => Promise<Uint8Array>;

export function columnOrderBy(core: Core): ColumnOrderOf {
  return async ({ name, groupSize, sorted }, groups) => {
    const { order } = await core.call("columnOrder", { groups, groupSize, sorted, name });
    return new Uint8Array(Uint32Array.from(order).buffer);
  };
}
