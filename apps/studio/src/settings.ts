/** What the settings panel holds, and the bounds that keep it within what the engine takes. */
export interface Settings {
  /** System prompt; "" for none. */
  system: string;
  /** 0 always takes the likeliest token. */
  temperature: number;
  topP: number;
  maxTokens: number;
  /** Undefined draws a new one for each answer. */
  seed: number | undefined;
}

/** Bounds as the OpenAI API has them; the seed is what fits an unsigned 32-bit number. */
export const bounds = {
  temperature: { min: 0, max: 2, step: 0.1 },
  topP: { min: 0.05, max: 1, step: 0.05 },
  maxTokens: { min: 1, max: 4096, step: 1 },
  seed: { min: 0, max: 2 ** 32 - 1, step: 1 },
} as const;

/**
 * A temperature of 0.6 with top-p 0.9 keeps a small model on the subject, yet two answers to one
 * question differ; 512 tokens are about a page.
 */
export const defaultSettings: Settings = {
  system: "",
  temperature: 0.6,
  topP: 0.9,
  maxTokens: 512,
  seed: undefined,
};

const clamp = (value: number, { min, max }: { min: number; max: number }, otherwise: number) =>
  Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : otherwise;

/** The settings with every number within bounds, and with its default where it is none. */
export function sanitize(settings: Settings): Settings {
  const { system, temperature, topP, maxTokens, seed } = settings;
  return {
    system,
    temperature: clamp(temperature, bounds.temperature, defaultSettings.temperature),
    topP: clamp(topP, bounds.topP, defaultSettings.topP),
    maxTokens: Math.round(clamp(maxTokens, bounds.maxTokens, defaultSettings.maxTokens)),
    seed:
      seed === undefined || !Number.isFinite(seed)
        ? undefined
        : Math.round(clamp(seed, bounds.seed, 0)),
  };
}
