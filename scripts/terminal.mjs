// What the demo prints: wrapped text as it streams, a progress bar, a small table. All of it knows
// the width of the terminal, and is plain text with at most a dimmed line.

/** Columns to print in: those of the terminal, at most 80 so that lines stay readable. */
export const columns = (stream = process.stdout) =>
  Math.max(20, Math.min(80, stream.columns ?? 80));

export const dim = (text) => (process.stdout.isTTY ? `\x1b[2m${text}\x1b[0m` : text);

/** Bytes in decimal units: 98.4 MB. */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} GB`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} MB`;
  return `${Math.round(count / 1e3)} kB`;
}

export function seconds(count) {
  if (count < 10) return `${count.toFixed(2)} s`;
  const whole = Math.round(count);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * A line of at most `width` columns: name, bar, share, and of bytes, speed and time left as much as
 * there is room for.
 */
export function bar(name, { loaded, total, bytesPerSecond, secondsLeft }, width) {
  if (!(total > 0)) return name.slice(0, width);
  const share = Math.min(1, loaded / total);
  const percent = `${String(Math.floor(100 * share)).padStart(3)} %`;
  const notes = [`${bytes(loaded)} of ${bytes(total)}`];
  if (bytesPerSecond > 0) notes.push(`${bytes(bytesPerSecond)}/s`);
  if (secondsLeft > 0.5 && Number.isFinite(secondsLeft)) {
    notes.push(`${seconds(Math.round(secondsLeft) || 1).replace(".00", "")} left`);
  }
  // Narrower than this the bar says less than the figure beside it.
  const narrowest = 8;
  let tail = percent;
  for (const note of notes) {
    const longer = `${tail}  ${note}`;
    if (name.length + longer.length + narrowest + 2 > width) break;
    tail = longer;
  }
  const room = Math.min(20, width - name.length - tail.length - 2);
  if (room < narrowest) return `${name} ${percent}`.slice(0, width);
  const full = Math.round(share * room);
  return `${name} ${"█".repeat(full)}${"░".repeat(room - full)} ${tail}`;
}

/** Names and values in two columns; a value that does not fit goes on below itself. */
export function facts(rows, width) {
  const indent = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows
    .map(([name, value]) => {
      let text = "";
      const wrapper = new Wrapper(width - indent, (piece) => {
        text += piece;
      });
      wrapper.write(value);
      wrapper.end();
      const lines = text.trimEnd().split("\n");
      return `${name.padEnd(indent)}${lines.join(`\n${" ".repeat(indent)}`)}`;
    })
    .join("\n");
}

/**
 * Prints text that comes in pieces, broken between words. A word is held back until its end is
 * known, so that none is ever printed past the edge; one longer than a line is cut.
 */
export class Wrapper {
  #width;
  #print;
  #column = 0;
  #word = "";
  #space = "";

  /**
   * @param {number} width columns
   * @param {(text: string) => void} print
   */
  constructor(width, print) {
    this.#width = width;
    this.#print = print;
  }

  write(text) {
    for (const character of text) {
      if (character === "\n") {
        this.#flush();
        this.#print("\n");
        this.#column = 0;
        this.#space = "";
      } else if (character === " ") {
        this.#flush();
        this.#space += " ";
      } else {
        this.#word += character;
      }
    }
  }

  /** Prints what is held back, and ends with an empty line. */
  end() {
    this.#flush();
    this.#print(this.#column > 0 ? "\n\n" : "\n");
    this.#column = 0;
  }

  #flush() {
    let word = [...this.#word];
    this.#word = "";
    if (word.length === 0) return;
    if (this.#column > 0 && this.#column + this.#space.length + word.length > this.#width) {
      this.#print("\n");
      this.#column = 0;
    } else if (this.#column + this.#space.length < this.#width) {
      // Spaces at the start of a line are indentation, and stay.
      this.#print(this.#space);
      this.#column += this.#space.length;
    }
    this.#space = "";
    while (this.#column + word.length > this.#width) {
      const room = this.#width - this.#column;
      this.#print(`${word.slice(0, room).join("")}\n`);
      word = word.slice(room);
      this.#column = 0;
    }
    this.#print(word.join(""));
    this.#column += word.length;
  }
}
