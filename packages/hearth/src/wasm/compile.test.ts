import { describe, expect, it } from "vitest";
import { compileFrom } from "./compile.js";
import { simdProbe } from "./features.js";

const url = "https://example.org/hearth-simd.wasm";
const answer = (body: BodyInit | null, init: ResponseInit) => async () => new Response(body, init);

describe("compileFrom", () => {
  it.each(["application/wasm", "application/octet-stream"])("compiles %s", async (type) => {
    const fetcher = answer(simdProbe, { headers: { "content-type": type } });
    const module = await compileFrom(url, undefined, fetcher);
    expect(module).toBeInstanceOf(WebAssembly.Module);
  });

  it.each([
    [404, "not_found"],
    [500, "http_status"],
  ])("reports HTTP %i", async (status, code) => {
    const compiled = compileFrom(url, undefined, answer(null, { status }));
    await expect(compiled).rejects.toMatchObject({ code, status, subject: url });
  });

  it("reports a connection that fails, an abort, and bytes that are no module", async () => {
    const fail = (error: Error) => async () => Promise.reject(error);
    await expect(compileFrom(url, undefined, fail(new TypeError("no")))).rejects.toMatchObject({
      code: "connection_lost",
    });
    const abort = new DOMException("stop", "AbortError");
    await expect(compileFrom(url, undefined, fail(abort))).rejects.toMatchObject({
      code: "aborted",
    });
    const junk = answer("<html>", { headers: { "content-type": "text/html" } });
    await expect(compileFrom(url, undefined, junk)).rejects.toMatchObject({
      code: "unsupported_device",
    });
  });
});
