/** The app's few icons, drawn on a 20 by 20 grid in the colour of the text around them. */
import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 20 20"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.5M5 9l5-5 5 5" />
  </Icon>
);
export const StopIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="9" height="9" rx="1.5" fill="currentColor" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="7.5" y="7.5" width="8.5" height="8.5" rx="2" />
    <path d="M12.5 4.5A1.5 1.5 0 0 0 11 3.5H5.5a2 2 0 0 0-2 2V11a1.5 1.5 0 0 0 1 1.4" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon>
    <path d="M4.5 10.5l3.5 3.5 7.5-8" />
  </Icon>
);
export const SettingsIcon = () => (
  <Icon>
    <path d="M3 6h7M14 6h3M3 14h3M10 14h7" />
    <circle cx="12" cy="6" r="2" />
    <circle cx="8" cy="14" r="2" />
  </Icon>
);
export const DeviceIcon = () => (
  <Icon>
    <rect x="5" y="5" width="10" height="10" rx="2" />
    <path d="M8 5V2.5M12 5V2.5M8 17.5V15M12 17.5V15M5 8H2.5M5 12H2.5M17.5 8H15M17.5 12H15" />
  </Icon>
);
export const ClearIcon = () => (
  <Icon>
    <path d="M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M10 4v11.5M5 11l5 5 5-5" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="M5 5l10 10M15 5L5 15" />
  </Icon>
);
export const LockIcon = () => (
  <Icon>
    <rect x="4.5" y="9" width="11" height="7.5" rx="2" />
    <path d="M7 9V6.5a3 3 0 0 1 6 0V9" />
  </Icon>
);

/** The mark of the app: a flame. */
export const Flame = () => (
  <svg class="flame" viewBox="0 0 28 34" width="20" height="24" aria-hidden="true">
    <path
      class="flame-outer"
      d="M14 1c2 9 12 13.5 12 22a12 11 0 0 1-24 0c0-5 2.6-8.5 5-11 .5 3.5 1.8 5 3.8 6C10 13 11 7 14 1z"
    />
    <path
      class="flame-inner"
      d="M14.4 18.5c.7 3.6 5.1 5 5.1 9a5.5 5.5 0 0 1-11 0c0-2.5 1.4-4 2.6-5.1.3 1.4.9 2 1.7 2.3-.2-2.5.4-4.6 1.6-6.2z"
    />
  </svg>
);
