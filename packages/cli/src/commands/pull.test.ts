import { describe, expect, it } from "vitest";
import { fakeStore, hearth } from "../testing.js";

const network = { smol: 76_900_000 };

describe("hearth pull", () => {
  it("downloads once, and says the second time that it is there", async () => {
    const { hearth: api, files } = fakeStore(network);
    const first = await hearth(["pull", "smol"], { hearth: api });
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toMatch(
      /^Downloading model\.gguf, 76\.9 MB\nsmol: 76\.9 MB downloaded in [\d.]+ ms|s\n$/,
    );
    expect(files.get("smol/model.gguf")).toBe(76_900_000);
    expect(await hearth(["pull", "smol"], { hearth: api })).toEqual({
      code: 0,
      stdout: "",
      stderr: "smol is already there (76.9 MB)\n",
    });
  });

  it("prints only the path on standard output", async () => {
    const { hearth: api } = fakeStore(network);
    const { stdout } = await hearth(["pull", "smol", "--path"], { hearth: api });
    expect(stdout).toBe("cache/smol/model.gguf\n");
  });

  it("prints one JSON object", async () => {
    const { hearth: api } = fakeStore(network);
    const { stdout } = await hearth(["pull", "smol", "--json", "--path"], { hearth: api });
    expect(JSON.parse(stdout)).toEqual({
      model: "smol",
      files: [
        {
          key: "smol/model.gguf",
          name: "model.gguf",
          size: 76_900_000,
          path: "cache/smol/model.gguf",
          origin: "network",
          downloadedBytes: 76_900_000,
        },
      ],
    });
  });

  it("lists what is there, in 100 and 40 columns", async () => {
    const { hearth: api } = fakeStore(network, {
      "smol/model.gguf": 76_900_000,
      "example.org/models/a-rather-long-name/model.gguf": 1_240_000_000,
    });
    const wide = await hearth(["pull", "--list"], { hearth: api, columns: 100 });
    expect(wide.stdout).toMatchInlineSnapshot(`
      "file                                                 size
      smol/model.gguf                                   76.9 MB
      example.org/models/a-rather-long-name/model.gguf  1.24 GB
      "
    `);
    expect(wide.stderr).toBe("1.32 GB in the store, 5.00 GB free\n");
    const narrow = await hearth(["pull", "--list"], { hearth: api, columns: 40 });
    expect(narrow.stdout).toMatchInlineSnapshot(`
      "file
           size
      smol/model.gguf
        76.9 MB
      example.org/models/a-rather-long-name/mo
      del.gguf
        1.24 GB
      "
    `);
    const json = await hearth(["pull", "--list", "--json"], { hearth: api });
    expect(JSON.parse(json.stdout)).toMatchObject({ bytes: 1_316_900_000, available: 5e9 });
  });

  it("removes a model, or a file by its name in the list, and nothing twice", async () => {
    const { hearth: api, files } = fakeStore(network, { "smol/model.gguf": 1, "other/x": 2 });
    expect((await hearth(["pull", "--remove", "smol"], { hearth: api })).stderr).toBe(
      "Removed smol/model.gguf\n",
    );
    expect((await hearth(["pull", "--remove", "other/x"], { hearth: api })).stderr).toBe(
      "Removed other/x\n",
    );
    expect([...files]).toEqual([]);
    const again = await hearth(["pull", "--remove", "smol"], { hearth: api });
    expect(again).toEqual({ code: 0, stdout: "", stderr: "Nothing of it is in the store.\n" });
  });

  it("fails an unknown model with its code", async () => {
    const { hearth: api } = fakeStore(network);
    const { code, stderr } = await hearth(["pull", "nope"], { hearth: api });
    expect(code).toBe(1);
    expect(stderr).toBe(
      "hearth: The model is in no catalogue and at no address. (unknown_model, nope)\n",
    );
  });

  it("refuses commands that contradict themselves", async () => {
    for (const line of [[], ["--list", "m"], ["--list", "--remove"], ["m", "--remove", "--path"]]) {
      expect((await hearth(["pull", ...line])).code).toBe(2);
    }
  });
});
