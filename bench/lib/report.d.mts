// Types of report.mjs for its test.

export interface Sample {
  loadSeconds: number;
  prefill: Record<number, number>;
  decode: number;
}
export interface Row {
  name: string;
  where: "browser" | "node" | "native";
  threads: number;
  version: string;
  note?: string;
  samples: Sample[];
}
/** The first and the last line of the table's place in a page. */
export const begin: string;
export const end: string;
/** What the row of a table is called. */
export function title(row: Row): string;
/** The measurements as Markdown. */
export function report(run: {
  rows: Row[];
  facts: [string, string][];
  lengths: number[];
  steps: number;
}): string;
/** Puts the table between the markers of a page; throws when there are none. */
export function place(page: string, table: string): string;
