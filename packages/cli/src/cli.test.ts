import { HearthError } from "hearth";
import { describe, expect, it } from "vitest";
import { textWidth } from "./terminal.js";
import { fakeHearth, hearth } from "./testing.js";

const commands = ["run", "bench", "tokenize", "inspect", "pull", "verify"];

describe("hearth", () => {
  it("lists its commands, exit codes and an example", async () => {
    const { code, stdout, stderr } = await hearth(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const name of commands) expect(stdout).toContain(`\n  ${name} `);
    expect(stdout).toContain("Exit codes:\n  0    it worked\n");
    expect(stdout).toContain("Example:\n  hearth run");
    expect(await hearth(["help"])).toEqual({ code, stdout, stderr });
  });

  it("prints its version", async () => {
    const { code, stdout } = await hearth(["--version"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("calls a missing or unknown command wrong usage", async () => {
    expect((await hearth([])).code).toBe(2);
    expect(await hearth(["toString"])).toEqual({
      code: 2,
      stdout: "",
      stderr: 'hearth: There is no command "toString".\nSee hearth --help.\n',
    });
    expect((await hearth(["--nonsense"])).stderr).toContain('no option "--nonsense"');
  });

  it.each(commands)(
    "%s has help with options and an example, in 100 and 40 columns",
    async (name) => {
      for (const columns of [100, 40]) {
        const { code, stdout } = await hearth([name, "--help"], { columns });
        expect(code).toBe(0);
        expect(stdout).toContain(`Usage: hearth ${name} `);
        expect(stdout).toContain("--device");
        expect(stdout).toContain("--json");
        expect(stdout).toMatch(new RegExp(`Examples:\n[^]*hearth ${name}`));
        // Command lines are left whole, to be copied.
        const text = stdout.split("Examples:")[0] ?? "";
        for (const line of text.split("\n")) expect(textWidth(line)).toBeLessThanOrEqual(columns);
      }
      expect(await hearth(["help", name])).toEqual(await hearth([name, "-h"]));
    },
  );

  it.each(commands)("%s refuses a wrong option, device or value with exit code 2", async (name) => {
    const misspelt = await hearth([name, "--divice", "wasm"]);
    expect(misspelt.code).toBe(2);
    expect(misspelt.stderr).toBe(
      `hearth: Unknown option '--divice'.\nSee hearth ${name} --help.\n`,
    );
    const device = await hearth([name, "model", "--device", "gpu"], { stdin: "text" });
    expect(device.code).toBe(2);
    expect(device.stderr).toContain('--device takes auto, native, wasm, webgpu, not "gpu".');
  });

  it("says what failed in one sentence, with code and subject, and no stack", async () => {
    const createEngine = async () => {
      throw new HearthError("bad_magic", "The file is neither.\x1b[2J", { subject: "x.gguf" });
    };
    const plain = await hearth(["run", "x.gguf", "Hi"], { hearth: { createEngine } });
    expect(plain).toEqual({
      code: 1,
      stdout: "",
      stderr: "hearth: The file is neither.\\u{1b}[2J (bad_magic, x.gguf)\n",
    });
    const json = await hearth(["run", "x.gguf", "Hi", "--json"], { hearth: { createEngine } });
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: "bad_magic", subject: "x.gguf" },
    });
    const debug = await hearth(["run", "x.gguf", "Hi"], {
      hearth: { createEngine },
      env: { HEARTH_DEBUG: "1" },
    });
    expect(debug.stderr).toContain("cli.test.ts");
  });

  it("passes the engine's options on", async () => {
    const { hearth: api, calls } = fakeHearth();
    const line = "run m Hi --device wasm --threads 3 --context 512 --exact --cache-dir d".split(
      " ",
    );
    expect((await hearth(line, { hearth: api })).code).toBe(0);
    expect(calls.opened[0]).toMatchObject({
      model: "m",
      device: "wasm",
      threads: 3,
      contextLength: 512,
      exact: true,
      cacheDir: "d",
    });
  });
});
