/** Downloads that go wrong: the app says what happened, and tries again when asked to. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type App, type Chromium, type Fault, launch, openApp, startApp } from "./harness.js";

let browser: Chromium;
let app: App;

beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
});

const status =
  (code: number): Fault =>
  (_request, response) => {
    response.writeHead(code, { "Content-Type": "text/plain" });
    response.end("no");
    return true;
  };

/** The first megabyte on the first request, and no connection at all after that. */
function cut(): Fault {
  let times = 0;
  return (_request, response) => {
    if (times++ > 0) {
      response.destroy();
      return true;
    }
    response.writeHead(200, { "Content-Length": 98_362_432, ETag: '"cut"' });
    response.write(new Uint8Array(1 << 20), () => response.destroy());
    return true;
  };
}

it.each([
  ["404", () => status(404), /404/],
  ["500", () => status(500), /500/],
  ["a cut connection", cut, /\S/],
])("shows %s with its code, and downloads when tried again", async (_name, fault, sentence) => {
  app = await startApp();
  try {
    const { page, load, text } = await openApp(browser, app);
    app.setFault(fault());
    await load();
    const banner = page.getByTestId("failure");
    expect(await banner.getAttribute("data-code")).toMatch(
      /^(not_found|http_status|connection_lost)$/,
    );
    expect(await banner.textContent()).toMatch(sentence);
    app.setFault(undefined);
    await page.getByTestId("retry").click();
    await page.locator("#question").waitFor();
    expect(await banner.count()).toBe(0);
    expect(await text("origin")).toMatch(/^Downloaded/);
    await page.close();
  } finally {
    await app.close();
  }
});

it("cancels a download, and goes on with it where it stopped", async () => {
  app = await startApp();
  try {
    const { page, load, text } = await openApp(browser, app);
    // Sends a part that is kept (whole megabytes), and then nothing more.
    let waiting = true;
    app.setFault((_request, response) => {
      if (!waiting) return false;
      response.writeHead(200, { "Content-Length": 98_362_432 });
      response.write(new Uint8Array(8 << 20));
      return true;
    });
    await page.getByTestId("load").click();
    await page.getByText(/^[1-9][\d.]* MB of/).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByTestId("load").waitFor();
    expect(await page.getByTestId("failure").count()).toBe(0);
    waiting = false;
    await load();
    expect(await text("origin")).toMatch(/^Downloaded/);
    await page.close();
  } finally {
    await app.close();
  }
});
