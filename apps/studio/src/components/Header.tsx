/** The bar at the top: the app's name, what runs, and the buttons that concern all of it. */
import type { State } from "../store.js";
import { ClearIcon, DeviceIcon, Flame, SettingsIcon } from "./Icons.js";

const deviceNames: Record<string, string> = { wasm: "CPU", webgpu: "GPU", native: "native" };

export function Header({
  state,
  settingsOpen,
  deviceOpen,
  onToggleSettings,
  onToggleDevice,
  onClear,
  onUnload,
}: {
  state: State;
  settingsOpen: boolean;
  deviceOpen: boolean;
  onToggleSettings: () => void;
  onToggleDevice: () => void;
  onClear: () => void;
  onUnload: () => void;
}) {
  const { info } = state;
  return (
    <header class="bar">
      <h1 class="brand">
        <Flame /> <span>Hearth</span>
      </h1>
      {info && (
        <button
          type="button"
          class="quiet running"
          title="Choose another model"
          onClick={onUnload}
          data-testid="engine"
        >
          <span class="running-name">{info.name}</span>
          <span class="running-facts">
            <span data-testid="device">{deviceNames[info.device] ?? info.device}</span>
            {" · "}
            <span data-testid="variant">{info.variant}</span>
            {" · "}
            <span data-testid="threads">
              {info.threads} {info.threads === 1 ? "thread" : "threads"}
            </span>
          </span>
        </button>
      )}
      <div class="bar-buttons">
        <button
          type="button"
          class="quiet icon-button"
          aria-label="Clear the chat"
          title="Clear the chat"
          disabled={state.messages.length === 0}
          onClick={onClear}
        >
          <ClearIcon />
        </button>
        <button
          type="button"
          class="quiet icon-button"
          aria-label="This device"
          title="This device"
          aria-expanded={deviceOpen}
          aria-controls="device"
          onClick={onToggleDevice}
        >
          <DeviceIcon />
        </button>
        <button
          type="button"
          class="quiet icon-button"
          aria-label="Settings"
          title="Settings"
          aria-expanded={settingsOpen}
          aria-controls="settings"
          onClick={onToggleSettings}
        >
          <SettingsIcon />
        </button>
      </div>
    </header>
  );
}
