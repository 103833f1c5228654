// The frames of the native engine, against a process that plays it.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeFile } from "../testing/fake-core.js";
import { NativeCore } from "./core.js";

// Answers method 11, tokenize, with one id of the request's length, byte by byte; the read method with
// nothing or, for offset 7, an error; and leaves at method 3.
const player = `#!${process.execPath}
let input = Buffer.alloc(0);
const text = (value) => {
  const bytes = Buffer.from(value);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  return Buffer.concat([size, bytes]);
};
const answer = (status, payload) => {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(payload.length);
  head[4] = status;
  for (const byte of Buffer.concat([head, payload])) process.stdout.write(Buffer.from([byte]));
};
process.stdin.on("data", (chunk) => {
  input = Buffer.concat([input, chunk]);
  while (input.length >= 8 && input.length >= 8 + input.readUInt32LE(4)) {
    const method = input.readUInt32LE(0);
    const payload = input.subarray(8, 8 + input.readUInt32LE(4));
    input = input.subarray(8 + payload.length);
    if (method === 3) process.exit(9);
    if (method === 0xfffffffe) {
      const at = 4 + payload.readUInt32LE(0);
      const [offset, size] = [payload.readBigUInt64LE(at), payload.readBigUInt64LE(at + 8)];
      if (offset === 7n) answer(1, Buffer.concat(["truncated_data", "It ends.", "f"].map(text)));
      else if (size > 4194304n) answer(1, Buffer.concat(["internal", "Too much.", ""].map(text)));
      else answer(0, Buffer.alloc(0));
      continue;
    }
    const ids = Buffer.alloc(8);
    ids.writeUInt32LE(1, 0);
    ids.writeUInt32LE(payload.length, 4);
    answer(0, ids);
  }
});
`;

const folder = mkdtempSync(join(tmpdir(), "hearth-native-"));
const path = join(folder, "player.mjs");

beforeAll(() => {
  writeFileSync(path, player);
  chmodSync(path, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

const tokenize = (core: NativeCore, length: number) =>
  core.call("tokenize", {
    tokenizer: 1,
    text: new Uint8Array(length),
    addSpecial: false,
    parseSpecial: false,
  });

describe("NativeCore", () => {
  it("matches answers to calls, however the bytes arrive", async () => {
    const core = await NativeCore.start(path);
    // 10: handle, length, two flags.
    const answers = await Promise.all([1, 100_000, 3].map((length) => tokenize(core, length)));
    expect(answers.map(({ ids }) => ids)).toEqual([[11], [100_010], [13]]);
    core.close();
    await expect(tokenize(core, 1)).rejects.toMatchObject({ code: "invalid_handle" });
  });

  it("has the process read files, in slices, and passes its errors on", async () => {
    const core = await NativeCore.start(path);
    const file = Object.assign(new FakeFile(new Uint8Array(0)), { path: "/model.gguf" });
    const sizes: number[] = [];
    const bytes = 9 * 1024 * 1024;
    const range = { offset: 0, bytes, address: 4096 };
    const onBytes = (size: number) => sizes.push(size);
    await core.load(range, file, { name: "model.gguf", onBytes });
    expect(sizes).toEqual([4194304, 4194304, 1048576]);
    await expect(core.load({ ...range, offset: 7 }, file, { name: "f" })).rejects.toMatchObject({
      code: "truncated_data",
      subject: "f",
    });
    const blob = new FakeFile(new Uint8Array(0));
    await expect(core.load(range, blob, { name: "b" })).rejects.toMatchObject({
      code: "unsupported_device",
    });
    core.close();
  });

  it("reports that the process ended", async () => {
    const core = await NativeCore.start(path);
    await expect(core.call("fileClose", { file: 1 })).rejects.toMatchObject({
      code: "worker_lost",
      message: expect.stringContaining("status 9"),
    });
    await expect(tokenize(core, 1)).rejects.toMatchObject({ code: "worker_lost" });
  });

  it("reports a binary that is not there", async () => {
    const missing = join(folder, "missing");
    await expect(NativeCore.start(missing)).rejects.toMatchObject({
      code: "unsupported_device",
      subject: missing,
    });
  });
});
