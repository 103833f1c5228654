/** System prompt and sampling, for the answers from now on. */
import { useId } from "preact/hooks";
import { bounds, type Settings } from "../settings.js";

type Numeric = keyof typeof bounds;

function Slider({
  label,
  help,
  name,
  value,
  onChange,
}: {
  label: string;
  help: string;
  name: Numeric;
  value: number;
  onChange: (value: number) => void;
}) {
  const id = useId();
  const { min, max, step } = bounds[name];
  return (
    <div class="field">
      <label for={id}>
        {label} <output for={id}>{value}</output>
      </label>
      <input
        id={id}
        type="range"
        name={name}
        min={min}
        max={max}
        step={step}
        value={value}
        aria-describedby={`${id}-help`}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <p id={`${id}-help`}>{help}</p>
    </div>
  );
}

function NumberBox({
  label,
  help,
  name,
  value,
  placeholder,
  onChange,
}: {
  label: string;
  help: string;
  name: Numeric;
  value: number | undefined;
  placeholder?: string;
  onChange: (value: number) => void;
}) {
  const id = useId();
  const { min, max, step } = bounds[name];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        name={name}
        inputMode="numeric"
        min={min}
        max={max}
        step={step}
        value={value ?? ""}
        placeholder={placeholder ?? ""}
        aria-describedby={`${id}-help`}
        // On change, not on input: a number is out of bounds while its digits are typed.
        onChange={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <p id={`${id}-help`}>{help}</p>
    </div>
  );
}

export function SettingsPanel({
  open,
  settings,
  onChange,
}: {
  open: boolean;
  settings: Settings;
  onChange: (change: Partial<Settings>) => void;
}) {
  return (
    <section id="settings" class="settings" aria-label="Settings" hidden={!open}>
      <div class="field wide">
        <label for="system">System prompt</label>
        <textarea
          id="system"
          rows={2}
          value={settings.system}
          placeholder="Who the model should be, and how it should answer"
          onInput={(event) => onChange({ system: event.currentTarget.value })}
        />
      </div>
      <Slider
        label="Temperature"
        help="0 always takes the likeliest word; more is more surprising."
        name="temperature"
        value={settings.temperature}
        onChange={(temperature) => onChange({ temperature })}
      />
      <Slider
        label="Top-p"
        help="Draws from the likeliest words that make up this share."
        name="topP"
        value={settings.topP}
        onChange={(topP) => onChange({ topP })}
      />
      <NumberBox
        label="Longest answer"
        help="In tokens; a token is about three quarters of a word."
        name="maxTokens"
        value={settings.maxTokens}
        onChange={(maxTokens) => onChange({ maxTokens })}
      />
      <NumberBox
        label="Seed"
        help="The same seed and question give the same answer."
        name="seed"
        value={settings.seed}
        placeholder="Random"
        onChange={(seed) => onChange({ seed: Number.isFinite(seed) ? seed : undefined })}
      />
    </section>
  );
}
