// Times of dispatches, added up by kernel.

import { describe, expect, it } from "vitest";
import type { GpuCount, GpuDispatch } from "../abi.generated.js";
import { countDispatches, dispatchesOf, groupTimes } from "./kernel-times.js";

const fixed = (count: number): GpuCount => ({ fixed: count, per: "", times: 1, divisor: 1 });
const perOutput: GpuCount = { fixed: 0, per: "outputs", times: 1, divisor: 1 };

function dispatch(name: string, pipeline: number, bytes: number, y = fixed(1)): GpuDispatch {
  return { name, pipeline, bindings: [], x: fixed(1), y, z: fixed(1), bytes };
}

const plan = {
  sources: ["matvec.q4", "norm"].map((name) => ({ name, code: "" })),
  pipelines: [1, 0].map((source) => ({ source, constants: [], layout: "" })),
  programs: [
    {
      name: "decode",
      dispatches: [
        dispatch("layers.0.norm", 0, 8),
        dispatch("layers.0.gate+layers.0.up", 1, 100),
        dispatch("layers.1.norm", 0, 8),
        dispatch("layers.1.gate+layers.1.up", 1, 100),
        dispatch("logits", 1, 500, perOutput),
      ],
    },
    { name: "greedy", dispatches: [dispatch("argmax", 0, 0)] },
  ],
};
const step = { programs: [0, 1], tokens: 1, outputs: 1, length: 1 };

describe("kernels' times", () => {
  it("name kernel and node without the layer, and leave out what a replay does", () => {
    const names = (outputs: number) =>
      dispatchesOf(plan, { ...step, outputs }).map(({ kernel, node }) => `${node} ${kernel}`);
    const layer = ["norm norm", "gate+up matvec.q4"];
    expect(names(1)).toEqual([...layer, ...layer, "logits matvec.q4", "argmax norm"]);
    expect(names(0)).toEqual([...layer, ...layer, "argmax norm"]);
  });

  it("count dispatches and the bytes they read", () => {
    expect(countDispatches(plan, step)).toEqual({
      dispatches: 6,
      perLayer: 2,
      weightBytes: 716,
    });
  });

  it("add up over the layers, the longest first", () => {
    const times = groupTimes(dispatchesOf(plan, step), [10, 200, 30, 260, 450, 50]);
    expect(times.map(({ node, dispatches, bytes }) => [node, dispatches, bytes])).toEqual([
      ["gate+up", 2, 200],
      ["logits", 1, 500],
      ["argmax", 1, 0],
      ["norm", 2, 16],
    ]);
    expect(times[0]?.seconds).toBeCloseTo(460e-9, 15);
    const percents = times.map(({ share }) => Math.round(share * 100));
    expect(percents).toEqual([46, 45, 5, 4]);
  });
});
