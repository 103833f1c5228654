import { describe, expect, it } from "vitest";
import { wasiImports } from "./wasi.js";

type Imports = Record<string, (...args: unknown[]) => unknown>;

describe("wasiImports", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const lines: string[] = [];
  const imports = wasiImports(memory, (line) => lines.push(line)) as unknown as Imports;

  it("collects text until its line ends", () => {
    const view = new DataView(memory.buffer);
    const write = (text: string) => {
      const bytes = new TextEncoder().encode(text);
      new Uint8Array(memory.buffer, 256).set(bytes);
      view.setUint32(0, 256, true);
      view.setUint32(4, bytes.length, true);
      expect(imports.fd_write?.(2, 0, 1, 16)).toBe(0);
      expect(view.getUint32(16, true)).toBe(bytes.length);
    };
    write("one ");
    expect(lines).toEqual([]);
    write("line\ntwo");
    expect(lines).toEqual(["one line"]);
  });

  it("tells the time in nanoseconds", () => {
    expect(imports.clock_time_get?.(0, 0n, 24)).toBe(0);
    const nanoseconds = Number(new DataView(memory.buffer).getBigUint64(24, true));
    expect(nanoseconds).toBeGreaterThan(1.7e18); // 2023
    expect(nanoseconds).toBeLessThan(1e19);
  });

  it("answers ENOSYS to everything else", () => {
    expect(imports.path_open?.()).toBe(52);
  });

  it("throws when the core exits", () => {
    expect(() => imports.proc_exit?.(3)).toThrow("status 3");
  });
});
