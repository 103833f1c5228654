// For tests, in an engine's worker: gives WebGPU faults. They are planted where the package calls WebGPU,
// as a driver's would be, so that the package that runs is the published one.

/**
 * @typedef {object} Faults
 * @property {string} channel Name of a BroadcastChannel. A message `{ loseAfter: n }` has the device lost
 *   right after its n-th submission from then on, and is answered with `"armed"`. Messages `"lost"` and
 *   `{ spoiled: name }` tell of what happened.
 * @property {string[]} [wrong] Kernels whose results are wrong, by their names.
 * @property {boolean} [card] Whether the adapter passes for a graphics card.
 */

/** What is changed in the source of a variant of `matvec`: its results come out 1 % too large. */
const right = "put(t, first + row, value);";
const spoiled = "put(t, first + row, 1.01 * value);";

/**
 * @param {object} scope Where WebGPU's classes are.
 * @param {Faults} faults
 */
export function breakGpu(scope, { channel, wrong = [], card = false }) {
  const { GPU, GPUAdapter, GPUDevice, GPUQueue } = scope;
  const speaker = new BroadcastChannel(channel);
  // In Node it would keep the thread alive.
  speaker.unref?.();
  let device;
  let left = 0;
  speaker.onmessage = ({ data }) => {
    if (typeof data.loseAfter !== "number") return;
    left = data.loseAfter;
    speaker.postMessage("armed");
  };

  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    device = await requestDevice.apply(this, args);
    return device;
  };

  const { submit } = GPUQueue.prototype;
  GPUQueue.prototype.submit = function (commands) {
    submit.call(this, commands);
    if (left === 0 || --left > 0) return;
    device.destroy();
    speaker.postMessage("lost");
  };

  const { createShaderModule } = GPUDevice.prototype;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    const { label, code } = descriptor;
    if (!wrong.includes(label)) return createShaderModule.call(this, descriptor);
    if (!code.includes(right)) throw new Error(`${label} has no place for the fault.`);
    speaker.postMessage({ spoiled: label });
    return createShaderModule.call(this, { ...descriptor, code: code.replace(right, spoiled) });
  };

  if (!card) return;
  const { requestAdapter } = GPU.prototype;
  GPU.prototype.requestAdapter = async function (options) {
    const adapter = await requestAdapter.call(this, options);
    const { subgroupMinSize, subgroupMaxSize } = adapter.info;
    const names = { vendor: "hearth", architecture: "", device: "", description: "faulty" };
    const value = { ...names, subgroupMinSize, subgroupMaxSize, isFallbackAdapter: false };
    // On the adapter itself: some implementations have no accessor to replace.
    Object.defineProperty(adapter, "info", { value });
    return adapter;
  };
}
