// Types of prompt.mjs for tests that are written in TypeScript.

/** The same tokens twice. */
export interface Prompt {
  ids: number[];
  text: string;
}
/** The longest prompt, in tokens. */
export const longest: number;
/** A prompt of `length` tokens that starts with word `first`. */
export function prompt(length: number, first: number): Prompt;
