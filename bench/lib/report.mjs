// Turns samples into the table of docs/performance.md.

import { digits, summarize } from "./statistics.mjs";

/**
 * @typedef {object} Row one engine with one number of threads
 * @property {string} name
 * @property {string} where
 * @property {number} threads
 * @property {string} version
 * @property {string} [note] such as the build of the core that ran
 * @property {import("./peer.mjs").Sample[]} samples one a repetition
 */

const places = { browser: "Chromium", node: "Node", native: "native" };

/**
 * @param {Row[]} rows
 * @param {(sample: import("./peer.mjs").Sample) => number} value
 */
function cells(rows, value) {
  return rows.map(({ samples }) => summarize(samples.map(value)));
}

/** `12.3 (12.0–12.9)`: the median and the extremes. */
function cell({ median, low, high, count }) {
  return count > 1 ? `${digits(median)} (${digits(low)}–${digits(high)})` : digits(median);
}

function table(head, body) {
  const line = (list) => `| ${list.join(" | ")} |`;
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [line(head), line(rule), ...body.map(line)].join("\n");
}

/** What the row of a table is called. */
export function title({ name, where, threads, note }) {
  const build = note ? `, ${note}` : "";
  return `${name}, ${places[where]}${build}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

/**
 * @param {{ rows: Row[], facts: [string, string][], lengths: number[], steps: number }} run
 * @returns {string} Markdown
 */
export function report({ rows, facts, lengths, steps }) {
  const load = cells(rows, (sample) => sample.loadSeconds);
  const prefill = lengths.map((length) => cells(rows, (sample) => sample.prefill[length]));
  const decode = cells(rows, (sample) => sample.decode);
  const measured = table(
    ["tokens/s; load in s", "load", ...lengths.map((n) => `prefill ${n}`), `decode ${steps}`],
    rows.map((row, i) => [
      title(row),
      cell(load[i]),
      ...prefill.map((column) => cell(column[i])),
      cell(decode[i]),
    ]),
  );

  // Hearth over each peer that ran with as many threads: the browser against the browser's peer,
  // and everything against native llama.cpp, which says how much of the machine is used.
  const ratios = rows.flatMap((row, i) => {
    if (row.name !== "Hearth") return [];
    return rows.flatMap((other, j) => {
      const same = other.threads === row.threads && other.name !== "Hearth";
      if (!same || (other.where === "browser" && row.where !== "browser")) return [];
      const ratio = (of) => `${digits(of[i].median / of[j].median)}×`;
      return [
        [
          `${title(row)} over ${other.name} (${places[other.where]})`,
          `${digits(load[j].median / load[i].median)}×`,
          ...prefill.map(ratio),
          ratio(decode),
        ],
      ];
    });
  });
  const compared = table(
    ["times as fast", "load", ...lengths.map((n) => `prefill ${n}`), `decode ${steps}`],
    ratios,
  );
  const machine = facts.map(([name, value]) => `- ${name}: ${value}`).join("\n");
  return [machine, measured, ...(ratios.length > 0 ? [compared] : [])].join("\n\n");
}

export const begin = "<!-- bench: begin; written by bench/run.mjs -->";
export const end = "<!-- bench: end -->";

/**
 * Puts the table between the markers of a page.
 * @param {string} page
 * @param {string} table
 * @returns {string}
 */
export function place(page, table) {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error("The page has no place for the table: no markers.");
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}
