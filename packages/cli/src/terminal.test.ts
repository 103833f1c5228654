import { describe, expect, it } from "vitest";
import {
  barLine,
  formatBytes,
  formatBytesOf,
  formatClock,
  formatParameters,
  formatSeconds,
  type Output,
  ProgressBar,
  pairs,
  printable,
  printableText,
  table,
  textWidth,
  truncate,
  wrap,
} from "./terminal.js";

describe("figures", () => {
  it("gives sizes three figures, and never 1000 of a unit", () => {
    expect(
      [0, 999, 999.6, 1000, 9994, 99_940, 999_499, 999_500, 76_900_000, 4.32e9].map(formatBytes),
    ).toEqual([
      "0 B",
      "999 B",
      "1.00 kB",
      "1.00 kB",
      "9.99 kB",
      "99.9 kB",
      "999 kB",
      "1.00 MB",
      "76.9 MB",
      "4.32 GB",
    ]);
    expect(formatBytesOf(9_000_000, 76_900_000)).toBe("9.00/76.9 MB");
  });

  it("gives times", () => {
    expect([0, 59.6, 724, 3723].map(formatClock)).toEqual(["0:00", "1:00", "12:04", "1:02:03"]);
    expect([0.00085, 0.0123, 0.9996, 1.85, 123].map(formatSeconds)).toEqual([
      "850 µs",
      "12.3 ms",
      "1.00 s",
      "1.85 s",
      "123 s",
    ]);
    expect(formatSeconds(Number.NaN)).toBe("?");
  });

  it("gives counts of parameters", () => {
    expect([134_515_008, 1.24e9, 999_900_000, 4321, 12].map(formatParameters)).toEqual([
      "135 M",
      "1.24 B",
      "1.00 B",
      "4.32 k",
      "12",
    ]);
  });
});

describe("text", () => {
  it("knows how wide characters are", () => {
    expect(["abc", "日本", "é", "e\u0301", "👩‍👩‍👧", "❤️", "–…"].map(textWidth)).toEqual([
      3, 4, 1, 1, 2, 2, 2,
    ]);
  });

  it("cuts and wraps at columns, not characters", () => {
    expect(truncate("hello", 5)).toBe("hello");
    expect(truncate("hello!", 5)).toBe("hell…");
    expect(truncate("日本語", 5)).toBe("日本…");
    expect(truncate("日本語", 4)).toBe("日…");
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("a verylongword b", 5)).toEqual(["a", "veryl", "ongwo", "rd b"]);
  });

  it("lets nothing reach the terminal that moves the cursor", () => {
    expect(printable("a\x1b[31mb\r\n\u202e")).toBe("a\\u{1b}[31mb\\r\\n\\u{202e}");
    expect(printableText("a\n\tb\x07\u009b")).toBe("a\n\tb\\u{7}\\u{9b}");
  });
});

describe("table", () => {
  const columns = [
    { title: "tensor", flexible: true },
    { title: "shape", right: true },
  ];
  const rows = [
    ["model.layers.0.self_attn.q_proj.weight", "576×576"],
    ["norm", "576"],
  ];

  it("lines columns up", () => {
    expect(table(columns, rows, 100).split("\n")).toEqual([
      "tensor                                    shape",
      "model.layers.0.self_attn.q_proj.weight  576×576",
      "norm                                        576",
      "",
    ]);
  });

  it("cuts the flexible column where it is narrow", () => {
    expect(table(columns, rows, 30).split("\n")).toEqual([
      "tensor                   shape",
      "model.layers.0.self_…  576×576",
      "norm                       576",
      "",
    ]);
  });

  it("gives the first column lines of its own where even that does not fit", () => {
    expect(table(columns, rows, 18).split("\n")).toEqual([
      "tensor",
      "    shape",
      "model.layers.0.sel",
      "f_attn.q_proj.weig",
      "ht",
      "  576×576",
      "norm",
      "      576",
      "",
    ]);
  });

  it("becomes blocks where nothing else fits", () => {
    const wide = [{ title: "a" }, { title: "b" }, { title: "c" }];
    expect(table(wide, [["name", "1234567890", "1234567890"]], 20).split("\n")).toEqual([
      "a  name",
      "b  1234567890",
      "c  1234567890",
      "",
    ]);
  });

  it("never passes the width", () => {
    for (let width = 10; width < 60; width++) {
      const lines = (
        table(columns, rows, width) + pairs([["a key", "a value of some words"]], width)
      ).split("\n");
      expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
    }
  });
});

describe("barLine", () => {
  const progress = { loadedBytes: 32_100_000, totalBytes: 76_900_000, bytesPerSecond: 12_300_000 };
  const name = "smollm2-135m-instruct";

  it("shows all of it in 100 columns and most of it in 40", () => {
    expect(barLine(name, progress, 99)).toBe(
      `smollm2-135m-instruct  41% ${"━".repeat(16)}${"╌".repeat(24)} 32.1/76.9 MB 12.3 MB/s  0:04`,
    );
    expect(barLine(name, progress, 39)).toBe(" 41% ━━╌╌╌ 32.1/76.9 MB 12.3 MB/s  0:04");
  });

  it("gives up the least needed first, and never passes the width", () => {
    expect(barLine(name, progress, 30)).toBe(" 41% ━━╌╌╌╌ 32.1/76.9 MB  0:04");
    expect(barLine(name, progress, 20)).toBe(" 41% 32.1/76.9 MB");
    for (let width = 17; width < 120; width++) {
      for (const loadedBytes of [0, 1, 76_899_999, 76_900_000]) {
        expect(textWidth(barLine(name, { ...progress, loadedBytes }, width))).toBeLessThanOrEqual(
          width,
        );
      }
    }
  });

  it("does without a total", () => {
    expect(barLine(name, { ...progress, totalBytes: 0 }, 60)).toBe(
      "smollm2-135m-instruct 32.1 MB 12.3 MB/s",
    );
    expect(barLine(name, { ...progress, totalBytes: 0 }, 30)).toBe("32.1 MB 12.3 MB/s");
  });
});

describe("ProgressBar", () => {
  function recorder(isTTY: boolean): Output & { text: string } {
    return {
      isTTY,
      columns: 40,
      text: "",
      write(text) {
        this.text += text;
      },
    };
  }

  it("redraws one line and takes it away at the end", () => {
    const output = recorder(true);
    let time = 0;
    const bar = new ProgressBar(output, "m", () => time);
    bar.update(0, 1000);
    time = 0.05;
    bar.update(100, 1000);
    time = 1;
    bar.update(500, 1000);
    bar.finish();
    bar.update(600, 1000);
    const lines = output.text.split("\r");
    expect(lines.map((line) => line.replace("\x1b[K", ""))).toEqual([
      "",
      "  0% ╌╌╌╌╌ 0.00/1.00 kB",
      " 50% ━━╌╌╌ 0.50/1.00 kB   500 B/s  0:01",
      "",
    ]);
  });

  it("prints lines now and then where nobody watches", () => {
    const output = recorder(false);
    let time = 0;
    const bar = new ProgressBar(output, "m.gguf", () => time);
    for (let i = 0; i <= 100; i++) {
      time = i / 10;
      bar.update(i * 1_000_000, 100_000_000);
    }
    bar.finish();
    expect(output.text).toBe(
      [
        "Downloading m.gguf, 100 MB",
        " 20% 20.0/100 MB, 10.0 MB/s, 0:08 left",
        " 40% 40.0/100 MB, 10.0 MB/s, 0:06 left",
        " 60% 60.0/100 MB, 10.0 MB/s, 0:04 left",
        " 80% 80.0/100 MB, 10.0 MB/s, 0:02 left",
        "100% 100/100 MB, 10.0 MB/s",
        "",
      ].join("\n"),
    );
  });

  it("prints nothing when nothing was downloaded", () => {
    const output = recorder(true);
    new ProgressBar(output, "m", () => 0).finish();
    expect(output.text).toBe("");
  });
});
