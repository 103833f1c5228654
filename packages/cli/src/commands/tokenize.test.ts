import { describe, expect, it } from "vitest";
import { fakeTokenizer, hearth } from "../testing.js";

describe("hearth tokenize", () => {
  it("prints ids and pieces, in which spaces and control characters can be seen", async () => {
    expect(await hearth(["tokenize", "m", "a \n日"], { hearth: fakeTokenizer() })).toEqual({
      code: 0,
      stdout: '   id  piece\n   97  "a"\n   32  " "\n   10  "\\n"\n26085  "日"\n',
      stderr: "4 tokens\n",
    });
  });

  it("reads a pipe, and hands the options on", async () => {
    const asked: unknown[] = [];
    const api = fakeTokenizer(asked);
    const { stdout } = await hearth(["tokenize", "m", "--json"], { hearth: api, stdin: "hi" });
    expect(JSON.parse(stdout)).toEqual({ ids: [104, 105], pieces: ["h", "i"] });
    await hearth(["tokenize", "m", "x", "--plain", "--add-special"], { hearth: api });
    expect(asked).toEqual([
      { addSpecial: false, parseSpecial: true },
      { addSpecial: true, parseSpecial: false },
    ]);
  });

  it("shows where in the text tokens come from, in bytes", async () => {
    const api = fakeTokenizer();
    const { stdout } = await hearth(["tokenize", "m", "a日b", "--offsets"], { hearth: api });
    expect(stdout).toBe(
      '   id  begin  end  piece\n   97      0    1  "a"\n26085      1    4  "日"\n   98      4    5  "b"\n',
    );
    const json = await hearth(["tokenize", "m", "日", "--offsets", "--json"], { hearth: api });
    expect(JSON.parse(json.stdout)).toEqual({ ids: [26085], pieces: ["日"], offsets: [[0, 3]] });
  });

  it("decodes with --ids, whatever stands between them", async () => {
    const api = fakeTokenizer();
    const plain = await hearth(["tokenize", "m", "--ids", "[104, 105]"], { hearth: api });
    expect(plain.stdout).toBe("hi\n");
    const json = await hearth(["tokenize", "m", "--ids", "--json"], {
      hearth: api,
      stdin: "104\n105\n",
    });
    expect(JSON.parse(json.stdout)).toEqual({ ids: [104, 105], text: "hi" });
  });

  it("refuses what is no id, no model and no text", async () => {
    for (const ids of ["12 x", "-1", "4294967296", "1.5"]) {
      const { code, stderr } = await hearth(["tokenize", "m", "--ids", `3 ${ids.trim()}`.trim()]);
      expect(code).toBe(2);
      expect(stderr).toContain("is no token id.");
    }
    expect((await hearth(["tokenize"])).code).toBe(2);
    expect((await hearth(["tokenize", "m"])).code).toBe(2);
  });

  it("says of an empty text that it has no tokens", async () => {
    expect(await hearth(["tokenize", "m", ""], { hearth: fakeTokenizer() })).toEqual({
      code: 0,
      stdout: "",
      stderr: "0 tokens\n",
    });
  });
});
