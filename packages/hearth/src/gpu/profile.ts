// How long each dispatch of a step takes on the device, by timestamps around it.

import type { GpuStep } from "../abi.generated.js";
import { HearthError } from "../errors.js";
import type { Device } from "./device.js";
import { mapRead, usage } from "./flags.js";
import type { Replay } from "./replay.js";

export interface DispatchTime {
  readonly name: string;
  /** Nanoseconds on the device. */
  readonly ns: number;
}

/** Queries in a set at most, by WebGPU's rules. */
const mostQueries = 4096;

/**
 * Runs a step with a pass for every dispatch and times each. Browsers round timestamps to 100
 * microseconds unless they are told not to.
 *
 * @throws HearthError `unsupported_device` without the feature `timestamp-query`.
 */
export async function profile(
  device: Device,
  replay: Replay,
  step: GpuStep,
): Promise<DispatchTime[]> {
  const { raw } = device;
  if (!raw.features.has("timestamp-query")) {
    throw new HearthError("unsupported_device", "This GPU takes no timestamps.", {
      subject: "timestamp-query",
    });
  }
  const dispatches = [...replay.dispatches(step)];
  const times: DispatchTime[] = [];
  for (let first = 0; first < dispatches.length; first += mostQueries / 2) {
    const part = dispatches.slice(first, first + mostQueries / 2);
    const bytes = part.length * 2 * 8;
    const querySet = raw.createQuerySet({ type: "timestamp", count: part.length * 2 });
    const resolved = raw.createBuffer({
      size: bytes,
      usage: usage.queryResolve | usage.copySrc,
    });
    const answer = raw.createBuffer({ size: bytes, usage: usage.mapRead | usage.copyDst });
    try {
      const encoder = raw.createCommandEncoder();
      for (const [index, dispatch] of part.entries()) {
        const at = index * 2;
        const pass = encoder.beginComputePass({
          timestampWrites: {
            querySet,
            beginningOfPassWriteIndex: at,
            endOfPassWriteIndex: at + 1,
          },
        });
        dispatch.encode(pass);
        pass.end();
      }
      encoder.resolveQuerySet(querySet, 0, part.length * 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, answer, 0, bytes);
      raw.queue.submit([encoder.finish()]);
      await device.settle(answer.mapAsync(mapRead), "profile");
      const stamps = new BigUint64Array(answer.getMappedRange());
      for (const [index, { name }] of part.entries()) {
        const [begin = 0n, end = 0n] = stamps.subarray(index * 2, index * 2 + 2);
        times.push({ name, ns: Number(end - begin) });
      }
    } finally {
      querySet.destroy();
      resolved.destroy();
      answer.destroy();
    }
  }
  device.check();
  return times;
}
