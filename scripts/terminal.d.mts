export interface BarFacts {
  loaded: number;
  total: number;
  bytesPerSecond?: number;
  secondsLeft?: number;
}
export function columns(stream?: { columns?: number }): number;
export function dim(text: string): string;
export function bytes(count: number): string;
export function seconds(count: number): string;
export function bar(name: string, facts: BarFacts, width: number): string;
export function facts(rows: readonly (readonly [string, string])[], width: number): string;
export class Wrapper {
  constructor(width: number, print: (text: string) => void);
  write(text: string): void;
  end(): void;
}
