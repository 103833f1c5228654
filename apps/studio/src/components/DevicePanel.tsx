/** What the model runs on and why, and a check of the graphics card's kernels. */
import type { Diagnosis, KernelReport } from "../engine.js";
import { formatBytes } from "../format.js";
import type { State } from "../store.js";

type Fact = readonly [string, string];

/** What is known of the device: of the model that runs, else of the last check. */
function factsOf({ info, diagnosis }: State): Fact[] {
  const facts: Fact[] = [];
  if (info) {
    const on = info.device === "webgpu" ? "the graphics card" : "the processor";
    facts.push(["The model runs on", on]);
  }
  const reason = info ? info.reason : diagnosis?.reason;
  if (reason) facts.push([info ? "Why" : "Graphics card", reason]);
  const adapter = info?.adapter ?? diagnosis?.adapter;
  if (adapter) {
    const software = adapter.software ? " (in software)" : "";
    facts.push(["Graphics card", `${adapter.description}${software}`]);
    facts.push(["Its features", adapter.features.join(", ") || "none beyond the least"]);
  }
  if (info) {
    const { weightBytes, activationBytes, kvBytes } = info.model;
    facts.push([
      "Memory",
      `${formatBytes(weightBytes + activationBytes + kvBytes)}: ${formatBytes(weightBytes)} of weights, ${formatBytes(kvBytes)} for the conversation`,
    ]);
    const threads = `${info.threads} ${info.threads === 1 ? "thread" : "threads"}`;
    facts.push(["Engine", `${info.variant}, ${threads}`]);
  }
  return facts;
}

function speedOf({ bytesPerSecond, flops }: KernelReport): string {
  if (bytesPerSecond !== undefined) return `${formatBytes(bytesPerSecond)}/s`;
  return flops === undefined ? "" : `${(flops / 1e12).toFixed(1)} TFLOP/s`;
}

function verdictOf({ adapter, reason, kernels }: Diagnosis): string {
  if (!adapter) return `${reason ?? "There is no graphics card."} Models run on the processor.`;
  const wrong = kernels.filter(({ ok }) => !ok).length;
  return wrong === 0
    ? `All ${kernels.length} kernels compute what the processor does.`
    : `${wrong} of ${kernels.length} kernels are wrong here. Models do without them.`;
}

/** A kernel's name may be broken behind its dots, where a phone has no room for it. */
function breakable(name: string) {
  return name.split(".").flatMap((part, index) => (index === 0 ? [part] : [".", <wbr />, part]));
}

function Kernels({ kernels }: { kernels: readonly KernelReport[] }) {
  const timed = kernels.some((kernel) => speedOf(kernel) !== "");
  return (
    <details class="kernels" open={kernels.some(({ ok }) => !ok)}>
      <summary>The kernels one by one</summary>
      <div class="kernels-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Kernel</th>
              <th scope="col">Verdict</th>
              <th scope="col" class="number">
                Error
              </th>
              {timed && (
                <th scope="col" class="number">
                  Speed
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {kernels.map((kernel) => (
              <tr key={kernel.name} class={kernel.ok ? "" : "wrong"}>
                <th scope="row">{breakable(kernel.name)}</th>
                <td title={kernel.failure ?? ""}>{kernel.ok ? "right" : "wrong"}</td>
                <td class="number" title={`At most ${kernel.tolerance.toExponential(1)} passes`}>
                  {kernel.failure ? "" : kernel.error === 0 ? "0" : kernel.error.toExponential(1)}
                </td>
                {timed && <td class="number">{speedOf(kernel)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export function DevicePanel({
  open,
  state,
  onCheck,
  onCancel,
}: {
  open: boolean;
  state: State;
  onCheck: () => void;
  onCancel: () => void;
}) {
  const { checking, diagnosis, checkFailure } = state;
  const facts = factsOf(state);
  const known = checking && checking.total > 1;
  return (
    <section id="device" class="device" aria-label="This device" hidden={!open}>
      {facts.length > 0 ? (
        <dl class="facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      ) : (
        <p class="device-note">
          The check looks for a graphics card and holds each of its kernels, the small programs that
          a model is made of, against the processor.
        </p>
      )}
      {diagnosis && !checking && (
        <p role="status" data-testid="verdict">
          {verdictOf(diagnosis)}
        </p>
      )}
      {checkFailure && !checking && (
        <p role="alert" class="device-failure">
          {checkFailure}
        </p>
      )}
      {diagnosis && !checking && diagnosis.kernels.length > 0 && (
        <Kernels kernels={diagnosis.kernels} />
      )}
      {checking ? (
        <div class="check">
          <p class="check-line">
            <span role="status">
              {checking.phase === "time" ? "Timing kernels" : "Checking kernels"}
            </span>
            {known && (
              <span class="figures">
                {checking.done + 1} of {checking.total}
              </span>
            )}
          </p>
          <progress
            aria-label="Check of this device"
            {...(known ? { value: checking.done, max: checking.total } : {})}
          />
          <button type="button" class="secondary" onClick={onCancel}>
            Cancel
          </button>
        </div>
      ) : (
        <button type="button" class="secondary" onClick={onCheck} data-testid="check">
          {diagnosis ? "Check again" : "Check this device"}
        </button>
      )}
    </section>
  );
}
