// Types of llama_cpp.mjs for tests that are written in TypeScript.

/** llama.cpp with a model loaded. Token ids never include a BOS that was not asked for. */
export interface LlamaCpp {
  /** Seconds that loading took. */
  readonly loadSeconds: number;
  tokenize(text: string, parseSpecial: boolean): number[];
  /** Special tokens become their text. */
  detokenize(ids: number[]): string;
  /** (position): natural log-probability of each token after the first; ids.length − 1 long. */
  score(ids: number[]): Promise<Float64Array>;
  /** The `count` most probable next tokens, best first; natural logarithms. */
  top(ids: number[], count: number): Promise<{ id: number; logProbability: number }[]>;
  /** Greedy continuation, and the seconds until its first and its last token. */
  continue(
    ids: number[],
    count: number,
  ): Promise<{ ids: number[]; firstSeconds: number; lastSeconds: number }>;
  close(): Promise<void>;
}

/** Throws an error that says how to install node-llama-cpp when it is not there. */
export function openLlamaCpp(options: {
  /** Path of the GGUF. */
  model: string;
  /** 2 when left out. */
  threads?: number;
  /** Tokens; 2,048 when left out. */
  contextSize?: number;
}): Promise<LlamaCpp>;

/** Version of the npm package; throws as `openLlamaCpp` does. */
export function version(): string;
