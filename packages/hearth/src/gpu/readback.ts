// Small buffers that answers are copied to and read from, used again and again.

import type { Device } from "./device.js";
import { mapRead, usage } from "./flags.js";

/**
 * Buffers up to this size are kept for the next answer: a row of logits of the largest vocabularies,
 * 262,144 tokens, is a megabyte. Whole prompts' logits are too large to keep memory for.
 */
const keptBytes = 1 << 20;

export class Readbacks {
  readonly #device: Device;
  readonly #free: GPUBuffer[] = [];
  #closed = false;

  constructor(device: Device) {
    this.#device = device;
  }

  /** A buffer of at least `bytes` that nothing uses. */
  take(bytes: number): GPUBuffer {
    const at = this.#free.findIndex((buffer) => buffer.size >= bytes);
    if (at >= 0) return this.#free.splice(at, 1)[0] as GPUBuffer;
    return this.#device.raw.createBuffer({
      label: "answer",
      size: bytes,
      usage: usage.mapRead | usage.copyDst,
    });
  }

  /**
   * Waits until what was submitted before has run and answers with a copy of the first bytes. The
   * buffer is then free again, also when nobody waits for the answer any more.
   */
  async read(buffer: GPUBuffer, bytes: number): Promise<Uint8Array> {
    try {
      await this.#device.settle(buffer.mapAsync(mapRead, 0, bytes), "answer");
      const answer = new Uint8Array(buffer.getMappedRange(0, bytes)).slice();
      buffer.unmap();
      return answer;
    } finally {
      this.#release(buffer);
    }
  }

  destroy(): void {
    this.#closed = true;
    for (const buffer of this.#free.splice(0)) buffer.destroy();
  }

  #release(buffer: GPUBuffer): void {
    if (this.#closed || buffer.size > keptBytes || buffer.mapState !== "unmapped") buffer.destroy();
    else this.#free.push(buffer);
  }
}
