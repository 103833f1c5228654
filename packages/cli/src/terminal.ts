// What a terminal shows: widths of text, figures for people, tables and the download bar. Everything
// here is a pure function of its input and a width in columns, but for ProgressBar, which writes to
// the Output it was given.

/** Where text goes: standard output, standard error, or a string in tests. */
export interface Output {
  write(text: string): void;
  /** Whether a person watches: lines may then be redrawn and coloured. */
  readonly isTTY: boolean;
  /** Width in columns; 80 where it is no terminal. */
  readonly columns: number;
}

// Code points that take two columns: the East Asian wide and fullwidth blocks (Unicode 15, UAX 11),
// as ranges wide enough to need no table. Emoji are asked of the regular expression engine.
const wideBlocks: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

function graphemeWidth(grapheme: string): number {
  if (/^[\p{Mark}\p{Format}\p{Control}]+$/u.test(grapheme)) return 0;
  if (/\p{Emoji_Presentation}|\ufe0f/u.test(grapheme)) return 2;
  const point = grapheme.codePointAt(0) ?? 0;
  return wideBlocks.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

/** Columns that `text` takes on a terminal; it holds no control characters or escapes. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** `text` cut to `width` columns, its last one an ellipsis where something is missing. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return "";
  let kept = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = graphemeWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

/** `text` with spaces up to `width` columns, before it when `right` aligned. */
export function pad(text: string, width: number, right = false): string {
  const spaces = " ".repeat(Math.max(0, width - textWidth(text)));
  return right ? spaces + text : text + spaces;
}

/** `text` on lines of at most `width` columns, broken at spaces, words longer than that cut up. */
export function wrap(text: string, width: number): string[] {
  const limit = Math.max(1, width);
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (textWidth(joined) <= limit) {
      line = joined;
      continue;
    }
    if (line !== "") lines.push(line);
    while (textWidth(word) > limit) {
      let head = "";
      for (const { segment } of segmenter.segment(word)) {
        if (head !== "" && textWidth(head + segment) > limit) break;
        head += segment;
      }
      lines.push(head);
      word = word.slice(head.length);
    }
    line = word;
  }
  lines.push(line);
  return lines;
}

const escapes: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return escapes[character] ?? `\\u{${code.toString(16)}}`;
}

/**
 * `text` with control characters written out, so that a name out of a downloaded file can neither
 * move the cursor nor colour the terminal. The bidirectional controls reorder what is read: they go
 * the same way.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Control}\u202a-\u202e\u2066-\u2069]/gu, escapeCharacter);
}

/** Like `printable`, for running text: line feeds and tabs stay. */
export function printableText(text: string): string {
  return text.replace(/[\p{Control}\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === "\n" || character === "\t" ? character : escapeCharacter(character),
  );
}

const units = ["B", "kB", "MB", "GB", "TB"] as const;

function inUnit(bytes: number, unit: number): string {
  const value = bytes / 1000 ** unit;
  if (unit === 0) return value.toFixed(0);
  // Three figures always: the text does not jump about while the bar moves.
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

function unitOf(bytes: number): number {
  let unit = 0;
  // 999.5 would print as 1000, so the next unit starts there.
  while (unit < units.length - 1 && bytes >= 999.5 * 1000 ** unit) unit++;
  return unit;
}

/** A size for people, such as "76.9 MB": decimal units, three figures. */
export function formatBytes(bytes: number): string {
  const unit = unitOf(bytes);
  return `${inUnit(bytes, unit)} ${units[unit]}`;
}

/** How much of how much, in one unit: "32.1/76.9 MB". */
export function formatBytesOf(done: number, total: number): string {
  const unit = unitOf(total);
  return `${inUnit(done, unit)}/${inUnit(total, unit)} ${units[unit]}`;
}

/** A time that passes: "0:42", "12:04", "1:02:03". */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** A measured time: "850 µs", "12.3 ms", "1.85 s". */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 0.9995e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  const [value, unit] = seconds < 0.9995 ? [seconds * 1e3, "ms"] : [seconds, "s"];
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

/** A count with thin groups: "134,515,008". */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** A large count, three figures: "135 M", "1.24 B". Models are spoken of in these. */
export function formatParameters(count: number): string {
  const scales = [
    [1e9, " B"],
    [1e6, " M"],
    [1e3, " k"],
  ] as const;
  for (const [scale, suffix] of scales) {
    if (count < scale * 0.9995) continue;
    const value = count / scale;
    return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)}${suffix}`;
  }
  return String(count);
}

export interface Column {
  title: string;
  /** Figures line up at their right end. */
  right?: boolean;
  /** May be cut when the terminal is narrow. The first such column gives way first. */
  flexible?: boolean;
}

// A flexible column is not cut below this: a name of fewer characters says nothing any more.
const leastFlexible = 12;

/** Column widths that make a line of at most `width`, cutting flexible columns; or undefined. */
function fit(columns: readonly Column[], rows: readonly string[][], width: number) {
  const widths = columns.map((column, i) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row[i] ?? ""))),
  );
  const total = () => widths.reduce((sum, w) => sum + w, 0) + 2 * (columns.length - 1);
  columns.forEach((column, i) => {
    const over = total() - width;
    const now = widths[i] ?? 0;
    if (column.flexible && over > 0) {
      const least = Math.max(leastFlexible, textWidth(column.title));
      widths[i] = Math.min(now, Math.max(least, now - over));
    }
  });
  return total() > width ? undefined : widths;
}

function formatRow(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
) {
  const padded = columns.map((column, i) => {
    const width = widths[i] ?? 0;
    return pad(truncate(cells[i] ?? "", width), width, column.right);
  });
  return padded.join("  ").trimEnd();
}

/**
 * A table of `rows`, two spaces between columns. Where it is wider than `width`, flexible columns
 * shrink; where that is not enough, the first column has lines of its own and the others stand
 * indented below; and where even those are too wide, each row becomes "title  value" lines.
 */
export function table(
  columns: readonly Column[],
  rows: readonly string[][],
  width: number,
): string {
  const titles = columns.map((column) => column.title);
  const widths = fit(columns, rows, width);
  if (widths !== undefined) {
    return [titles, ...rows].map((row) => `${formatRow(columns, widths, row)}\n`).join("");
  }
  const rest = columns.slice(1);
  const restWidths = fit(
    rest,
    rows.map((row) => row.slice(1)),
    width - 2,
  );
  if (restWidths === undefined) {
    const block = (row: readonly string[]) =>
      pairs(
        titles.map((title, i) => [title, row[i] ?? ""]),
        width,
      );
    return rows.map(block).join("\n");
  }
  const lines = [titles, ...rows].flatMap(([first = "", ...cells]) => [
    ...wrap(first, width),
    `  ${formatRow(rest, restWidths, cells)}`.trimEnd(),
  ]);
  return `${lines.join("\n")}\n`;
}

// Below this a value column is too narrow to read, and values go on lines of their own.
const leastValue = 16;

/** "label  value" lines with the values in one column, wrapped; labels in front of what is missing. */
export function pairs(entries: readonly (readonly [string, string])[], width: number): string {
  const label = Math.max(0, ...entries.map(([name]) => textWidth(name)));
  const room = width - label - 2;
  const lines: string[] = [];
  for (const [name, value] of entries) {
    if (room < leastValue) {
      lines.push(...wrap(name, width), ...wrap(value, width - 2).map((line) => `  ${line}`));
      continue;
    }
    wrap(value, room).forEach((line, i) => {
      lines.push(`${pad(i === 0 ? name : "", label)}  ${line}`.trimEnd());
    });
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** One moment of a transfer. */
export interface Progress {
  loadedBytes: number;
  /** 0 when the server does not say. */
  totalBytes: number;
  /** 0 while unknown. */
  bytesPerSecond: number;
}

// Fewer cells than this show no progress: the figures have the room instead.
const leastBar = 4;
// More do not show more.
const mostBar = 40;

/**
 * The line of a bar, at most `width` columns: percent, bar, bytes, speed, time left. What finds no
 * room is left out, the least needed first: the label, the bar, the speed, the time.
 */
export function barLine(label: string, progress: Progress, width: number): string {
  const { loadedBytes, totalBytes, bytesPerSecond } = progress;
  const speed = bytesPerSecond > 0 ? `${formatBytes(bytesPerSecond)}/s` : "";
  if (totalBytes <= 0) {
    const known = [formatBytes(loadedBytes), speed].filter((part) => part !== "").join(" ");
    const named = `${label} ${known}`;
    return truncate(textWidth(named) <= width ? named : known, width);
  }
  const done = Math.min(1, loadedBytes / totalBytes);
  const percent = `${String(Math.floor(done * 100)).padStart(3)}%`;
  const bytes = formatBytesOf(loadedBytes, totalBytes);
  const left =
    bytesPerSecond > 0 && done < 1 ? formatClock((totalBytes - loadedBytes) / bytesPerSecond) : "";
  // Each column wider than its text now will ever be, so that nothing moves while the bar grows.
  const bytesColumn = pad(bytes, textWidth(formatBytesOf(totalBytes, totalBytes)), true);
  const figures = [bytesColumn, pad(speed, 9, true), pad(left, 5, true)];
  while (
    figures.length > 1 &&
    4 + figures.reduce((n, part) => n + 1 + textWidth(part), 0) > width
  ) {
    figures.splice(figures.length === 3 ? 1 : figures.length - 1, 1);
  }
  const figured = figures.reduce((n, part) => n + 1 + textWidth(part), 0);
  const named = width - 4 - figured - 1 - (textWidth(label) + 1);
  const withLabel = named >= 20;
  const cells = Math.min(mostBar, withLabel ? named : width - 4 - figured - 1);
  const filled = Math.floor(cells * done);
  const bar = cells < leastBar ? "" : ` ${"━".repeat(filled)}${"╌".repeat(cells - filled)}`;
  return `${withLabel ? `${label} ` : ""}${percent}${bar} ${figures.join(" ")}`.trimEnd();
}

// The bar is redrawn this often at most; more flickers and costs writes.
const redrawSeconds = 0.1;
// Speed is that of the last seconds, so that it follows a connection that slows down.
const speedWindowSeconds = 5;
// Where nobody watches, a line says so each time another tenth is there, but not more often than this.
const plainLineSeconds = 2;

/**
 * A download as one line that is redrawn, or as a line now and then where the output is no terminal.
 * It draws nothing until bytes have come and nothing after `finish`.
 */
export class ProgressBar {
  private readonly samples: { at: number; bytes: number }[] = [];
  private drawn = false;
  private lastDraw = Number.NEGATIVE_INFINITY;
  private lastTenth = 0;
  private finished = false;

  /** `now` is in seconds, from any start. */
  constructor(
    private readonly output: Output,
    private readonly label: string,
    private readonly now: () => number,
  ) {}

  update(loadedBytes: number, totalBytes: number): void {
    if (this.finished) return;
    const at = this.now();
    this.samples.push({ at, bytes: loadedBytes });
    while (this.samples.length > 2 && at - (this.samples[0]?.at ?? at) > speedWindowSeconds) {
      this.samples.shift();
    }
    const progress = { loadedBytes, totalBytes, bytesPerSecond: this.speed() };
    if (this.output.isTTY) this.redraw(progress, at);
    else this.report(progress, at);
  }

  /** Ends the line, so that what is written next starts on its own. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    if (this.output.isTTY && this.drawn) this.output.write("\r\x1b[K");
  }

  private speed(): number {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < redrawSeconds) return 0;
    return (last.bytes - first.bytes) / (last.at - first.at);
  }

  private redraw(progress: Progress, at: number): void {
    const complete = progress.loadedBytes === progress.totalBytes;
    if (at - this.lastDraw < redrawSeconds && !complete) return;
    this.lastDraw = at;
    this.drawn = true;
    // The last column stays free: some terminals wrap once it is written.
    const line = barLine(this.label, progress, this.output.columns - 1);
    this.output.write(`\r${line}\x1b[K`);
  }

  private report(progress: Progress, at: number): void {
    const { loadedBytes, totalBytes, bytesPerSecond } = progress;
    if (!this.drawn) {
      this.drawn = true;
      this.lastDraw = at;
      const size = totalBytes > 0 ? `, ${formatBytes(totalBytes)}` : "";
      this.output.write(`Downloading ${this.label}${size}\n`);
      return;
    }
    if (totalBytes <= 0 || at - this.lastDraw < plainLineSeconds) return;
    const tenth = Math.floor((loadedBytes / totalBytes) * 10);
    if (tenth <= this.lastTenth) return;
    this.lastTenth = tenth;
    this.lastDraw = at;
    const left = (totalBytes - loadedBytes) / bytesPerSecond;
    const rest = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : "";
    const time = bytesPerSecond > 0 && left > 0 ? `, ${formatClock(left)} left` : "";
    const bytes = formatBytesOf(loadedBytes, totalBytes);
    this.output.write(`${String(tenth * 10).padStart(3)}% ${bytes}${rest}${time}\n`);
  }
}
