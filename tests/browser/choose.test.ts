/** Another model than the catalogue's: named by address or picked, looked at before it is downloaded. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type App,
  type AppPage,
  type Chromium,
  launch,
  modelFile,
  modelPath,
  openApp,
  startApp,
} from "./harness.js";

let browser: Chromium;
let app: App;
let own: AppPage;

beforeAll(async () => {
  browser = await launch();
  app = await startApp();
  own = await openApp(browser, app);
  await own.page.getByLabel("Another model").check();
});
afterAll(async () => {
  await browser?.close();
  await app?.close();
});

describe("another model", () => {
  it("cannot be loaded before it is named", async () => {
    expect(await own.page.getByTestId("load").isDisabled()).toBe(true);
  });

  it("named by an address tells what it is, and is not downloaded for it", async () => {
    await own.page.getByTestId("address").fill(`models/${modelFile}`);
    await own.page.getByTestId("look").click();
    const facts = await own.text("facts");
    expect(facts).toMatch(/135M weights of the family llama/);
    expect(facts).toMatch(/Licence\s*apache-2\.0/);
    expect(facts).toMatch(/To download\s*98\.4 MB/);
    expect(facts).toMatch(/Memory, processor\s*\d+ MB for 4,096 tokens, \d+ MB for 8,192 tokens/);
    // A header with its vocabulary, and the pieces of it that came too early to be let go.
    expect(app.modelBytes()).toBeLessThan(8e6);
  });

  it("that is not there says so", async () => {
    await own.page.getByTestId("address").fill("models/none.gguf");
    await own.page.getByTestId("look").click();
    expect(await own.text("look-failure")).toContain("none.gguf");
    own.troubles.length = 0; // Chromium tells the console of the 404
  });

  it("picked from this device is read where it is, and answers", async () => {
    const before = app.modelBytes();
    await own.page.getByTestId("files").setInputFiles(modelPath());
    expect(await own.text("picked")).toContain(modelFile);
    await own.page.getByTestId("look").click();
    expect(await own.text("facts")).toMatch(/To download\s*nothing, it is here/);
    await own.load();
    await own.settle(32);
    await own.ask("What is the capital of France, and what is it known for?");
    expect(await own.answer()).toContain("Paris");
    expect(app.modelBytes()).toBe(before);
    expect(own.troubles).toEqual([]);
  });
});
