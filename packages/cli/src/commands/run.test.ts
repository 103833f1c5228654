import { HearthError } from "hearth";
import { describe, expect, it } from "vitest";
import { main } from "../cli.js";
import { fakeHearth, hearth, session } from "../testing.js";

describe("hearth run, one answer", () => {
  it("streams the answer to standard output and nothing else", async () => {
    const { hearth: api, calls } = fakeHearth();
    expect(await hearth(["run", "m", "Hi"], { hearth: api })).toEqual({
      code: 0,
      stdout: "Hello there\n",
      stderr: "",
    });
    expect(calls.requests[0]).toMatchObject({
      stream: true,
      messages: [{ role: "user", content: "Hi" }],
    });
    expect(calls.closed).toBe(1);
  });

  it("takes the prompt from a pipe, and a single argument with spaces as the prompt", async () => {
    const { hearth: api, calls } = fakeHearth();
    await hearth(["run", "m"], { hearth: api, stdin: "piped\n" });
    await hearth(["run", "Why is it so?"], { hearth: api, stdin: "not read" });
    await hearth(["run", "my models/a b.gguf"], { hearth: api, stdin: "x" });
    expect(calls.requests.map(({ messages }) => messages[0]?.content)).toEqual([
      "piped\n",
      "Why is it so?",
      "x",
    ]);
    expect(calls.opened.map(({ model }) => model)).toEqual([
      "m",
      "smollm2-135m-instruct",
      "my models/a b.gguf",
    ]);
  });

  it("refuses no prompt, and one that is no UTF-8", async () => {
    const { hearth: api, calls } = fakeHearth();
    expect((await hearth(["run", "m"], { hearth: api, stdin: " \n" })).code).toBe(2);
    expect((await hearth(["run", "m", "--json"], { hearth: api })).code).toBe(2);
    const bad = await hearth(["run", "m"], { hearth: api, stdin: Uint8Array.of(0x61, 0xff) });
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("(invalid_utf8, standard input)");
    expect(calls.opened).toEqual([]);
  });

  it("passes the sampling options on, only those given", async () => {
    const { hearth: api, calls } = fakeHearth();
    const flags = [
      ..."--system Be+brief. --max-tokens 9 --temperature 0 --top-p 0.9 --top-k 40".split(" "),
      ..."--min-p 0.1 --repetition-penalty 1.1 --frequency-penalty -1 --presence-penalty".split(
        " ",
      ),
      ..."2 --seed 7 --stop a --stop b".split(" "),
    ];
    flags[flags.indexOf("--frequency-penalty") + 1] = "0.5";
    await hearth(["run", "m", "Hi", ...flags], { hearth: api });
    expect(calls.requests[0]).toEqual({
      messages: [
        { role: "system", content: "Be+brief." },
        { role: "user", content: "Hi" },
      ],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 9,
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.1,
      repetition_penalty: 1.1,
      frequency_penalty: 0.5,
      presence_penalty: 2,
      seed: 7,
      stop: ["a", "b"],
    });
    await hearth(["run", "m", "Hi"], { hearth: api });
    expect(Object.keys(calls.requests[1] ?? {}).sort()).toEqual([
      "messages",
      "stream",
      "stream_options",
    ]);
  });

  it.each([
    ["--max-tokens", "0"],
    ["--max-tokens", "1.5"],
    ["--temperature", "hot"],
    ["--temperature", ""],
    ["--top-p", "1.1"],
    ["--seed", "1e3"],
    ["--threads", "0"],
    ["--presence-penalty", "3"],
  ])("refuses %s %j", async (name, value) => {
    const { code, stderr } = await hearth(["run", "m", "Hi", name, value]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${name} takes a `);
  });

  it("prints one JSON object with --json", async () => {
    const { hearth: api } = fakeHearth();
    const { code, stdout, stderr } = await hearth(["run", "m", "Hi", "--json"], { hearth: api });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      choices: [{ message: { content: "Hello there" } }],
    });
  });

  it("prints device, load time and speed with --stats, wrapped to the terminal", async () => {
    const { hearth: api } = fakeHearth();
    const wide = await hearth(["run", "m", "Hi", "--stats"], { hearth: api, columns: 100 });
    expect(wide.stdout).toBe("Hello there\n");
    expect(wide.stderr).toBe(
      "wasm (relaxed-mt, 2 threads), loaded in 420 ms from the store, nothing downloaded\n" +
        "first token after 310 ms, 12 tokens read, 2 written at 21.4 tokens/s\n",
    );
    const narrow = await hearth(["run", "m", "Hi", "--stats"], {
      hearth: api,
      columns: 40,
      isTTY: true,
    });
    expect(narrow.stderr).toBe(
      "wasm (relaxed-mt, 2 threads), loaded in\n420 ms from the store, nothing\ndownloaded\n" +
        "first token after 310 ms, 12 tokens\nread, 2 written at 21.4 tokens/s\n",
    );
  });

  it("shows a bar in a terminal while it downloads, and takes it away", async () => {
    const { hearth: api } = fakeHearth({ download: [0, 50_000_000, 100_000_000] });
    const { stderr } = await hearth(["run", "m", "Hi"], { hearth: api, isTTY: true, columns: 40 });
    expect(stderr).toContain("\r 50% ");
    expect(stderr.endsWith("\r\x1b[K")).toBe(true);
    const plain = await hearth(["run", "m", "Hi"], { hearth: api });
    expect(plain.stderr).toBe("Downloading m, 100 MB\n");
  });

  it("writes a model's control characters out in a terminal and passes them on in a pipe", async () => {
    const answers = [["a\x1b[2J", "\tb\n"]];
    const shown = await hearth(["run", "m", "Hi"], {
      hearth: fakeHearth({ answers }).hearth,
      isTTY: true,
    });
    expect(shown.stdout).toBe("a\\u{1b}[2J\tb\n");
    const piped = await hearth(["run", "m", "Hi"], { hearth: fakeHearth({ answers }).hearth });
    expect(piped.stdout).toBe("a\x1b[2J\tb\n");
  });

  it("stops at Ctrl-C, keeps what was said, closes the engine and exits with 130", async () => {
    const { hearth: api, calls } = fakeHearth({
      beforePiece: (index) => {
        if (index === 1) interrupt();
      },
    });
    const { context, outcome, interrupt } = session({ hearth: api });
    expect(await main(["run", "m", "Hi"], context)).toBe(130);
    expect(outcome.stdout).toBe("Hello\n");
    expect(outcome.stderr).toBe("");
    expect(calls.closed).toBe(1);
  });

  it("stops loading at Ctrl-C", async () => {
    const { context, outcome, interrupt } = session({
      hearth: {
        createEngine: async ({ signal }) => {
          interrupt();
          expect(signal?.aborted).toBe(true);
          throw new HearthError("aborted");
        },
      },
    });
    expect(await main(["run", "m", "Hi"], context)).toBe(130);
    expect(outcome.stderr).toBe("hearth: Stopped. (aborted)\n");
  });
});

describe("hearth run, a chat", () => {
  it("remembers what was said, until /clear", async () => {
    const { hearth: api, calls } = fakeHearth({ answers: [["One."], ["Two."], ["Three."]] });
    const { context, input, outcome } = session({ hearth: api });
    const ended = main(["run", "m", "--system", "S"], context);
    const type = async (text: string) => {
      input.write(text);
      await new Promise((resolve) => setTimeout(resolve, 100));
    };
    await type("first\n");
    await type("a paste\nof two lines\n");
    await type("/clear\n");
    await type("third\n");
    await type("/exit\n");
    expect(await ended).toBe(0);
    expect(calls.requests.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
      ["S", "first"],
      ["S", "first", "One.", "a paste\nof two lines"],
      ["S", "third"],
    ]);
    expect(outcome.stdout).toContain("One.\n");
    expect(calls.closed).toBe(1);
  });

  it("goes on after an error, without the message that failed", async () => {
    let failing = true;
    const { hearth: api, calls } = fakeHearth({
      beforePiece: () => {
        if (failing) throw new HearthError("context_overflow", undefined, { subject: "prompt" });
      },
    });
    const { context, input, outcome } = session({ hearth: api });
    const ended = main(["run", "m"], context);
    input.write("too long\n");
    await new Promise((resolve) => setTimeout(resolve, 100));
    failing = false;
    input.end("short\n");
    expect(await ended).toBe(0);
    expect(outcome.stderr).toContain("(context_overflow, prompt)");
    expect(calls.requests.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
      ["too long"],
      ["short"],
    ]);
    expect(outcome.stdout).toContain("Hello there\n");
  });

  it("stops an answer at Ctrl-C and goes on; twice at the prompt leaves", async () => {
    let cut = true;
    const { hearth: api, calls } = fakeHearth({
      beforePiece: (index) => {
        if (cut && index === 1) {
          cut = false;
          interrupt();
        }
      },
    });
    const { context, input, outcome, interrupt } = session({ hearth: api });
    const ended = main(["run", "m"], context);
    const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
    input.write("one\n");
    await pause();
    input.write("two\n");
    await pause();
    interrupt();
    expect(outcome.stdout).toContain("Ctrl-C once more to leave.");
    interrupt();
    expect(await ended).toBe(0);
    expect(calls.requests[1]?.messages.map(({ content }) => content)).toEqual([
      "one",
      "Hello",
      "two",
    ]);
    expect(calls.closed).toBe(1);
  });
});
