// Types of model.mjs for tests that are written in TypeScript.

/** The repository's root, absolute. */
export const root: string;
/** File name of the model that every engine is measured on. */
export const modelFile: string;
/** Absolute path of the model; throws an error that says how to get it when it is not there. */
export function findModel(): string;
