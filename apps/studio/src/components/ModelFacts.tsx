/** What a model says of itself before it is downloaded. */
import type { Inspection } from "../engine.js";
import { formatBytes, formatParameters } from "../format.js";
import type { State } from "../store.js";

const count = (value: number) => value.toLocaleString("en");

function memoryOf({ memory }: Inspection, device: "wasm" | "webgpu"): string {
  const needs = memory.filter((need) => need.device === device);
  if (needs.length === 0) return "cannot run there";
  return needs
    .map(({ contextLength, bytes }) => `${formatBytes(bytes)} for ${count(contextLength)} tokens`)
    .join(", ");
}

function factsOf(inspection: Inspection): [string, string][] {
  const { name, license, model, totalBytes, missingBytes } = inspection;
  const left = missingBytes === totalBytes ? "" : ` of ${formatBytes(totalBytes)}`;
  return [
    [
      "Model",
      `${name}, ${formatParameters(model.parameters)} weights of the family ${model.architecture}`,
    ],
    [
      "Formats",
      model.dtypes.map(({ dtype, bytes }) => `${dtype} ${formatBytes(bytes)}`).join(", "),
    ],
    ["Context", `${count(model.trainedContext)} tokens`],
    ["Licence", license || "not stated"],
    [
      "To download",
      missingBytes === 0 ? "nothing, it is here" : `${formatBytes(missingBytes)}${left}`,
    ],
    ["Memory, processor", memoryOf(inspection, "wasm")],
    ["Memory, graphics card", memoryOf(inspection, "webgpu")],
  ];
}

export function ModelFacts({ state: { inspection, lookFailure } }: { state: State }) {
  if (lookFailure) {
    return (
      <p role="alert" class="device-failure model-facts" data-testid="look-failure">
        {lookFailure}
      </p>
    );
  }
  if (!inspection) return null;
  return (
    <dl class="facts model-facts" data-testid="facts">
      {factsOf(inspection).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
