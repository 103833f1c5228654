/**
 * What happens in the app, told to whoever drives the page from outside (the demo in the terminal,
 * browser tests) as events on `window`: `hearth-studio:delta` and its like, with the facts in
 * `detail`. Outside a page, nobody listens.
 */
export type EventName = "progress" | "ready" | "delta" | "answer" | "failure";

export function emit(name: EventName, detail: unknown): void {
  globalThis.dispatchEvent?.(new CustomEvent(`hearth-studio:${name}`, { detail }));
}
