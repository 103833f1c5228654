// Letting the worker's other messages in between two pieces of work.

/**
 * Lets messages in, so that an abort sent meanwhile is seen. A timer would wait four milliseconds in
 * a browser; a message to ourselves, or Node's setImmediate, waits for none.
 */
export function yieldNow(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    yields.push(resolve);
    channel ??= openChannel();
    channel.postMessage(null);
  });
}

const yields: (() => void)[] = [];
let channel: MessagePort | undefined;

function openChannel(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => yields.shift()?.();
  return port2;
}
