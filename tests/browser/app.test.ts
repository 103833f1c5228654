/** The app with the real model: download, store, chat, stop, privacy, phone. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type App,
  type AppPage,
  type Chromium,
  launch,
  modelPath,
  openApp,
  startApp,
} from "./harness.js";

/** The model is sure of every word up to "Paris", by two nats and more; asked only the first half, it
 * nearly answers in French. */
const question = "What is the capital of France, and what is it known for?";
/** Tokens that are enough for the capital's name. */
const enough = 32;

let browser: Chromium;
let app: App;
let modelSize: number;

beforeAll(async () => {
  modelSize = (await readFile(modelPath())).length;
  browser = await launch();
  app = await startApp();
});
afterAll(async () => {
  await browser?.close();
  await app?.close();
});

describe("the first visit, and the one after it", () => {
  let first: AppPage;

  it("downloads the model and says so", async () => {
    first = await openApp(browser, app);
    await first.load();
    expect(await first.text("origin")).toMatch(/^Downloaded 98\.4 MB, kept on this device/);
    // The response's head comes on top of the file.
    expect(app.modelBytes()).toBeGreaterThan(modelSize);
    expect(app.modelBytes()).toBeLessThan(modelSize * 1.01);
  });

  it("runs on threads in an isolated page", async () => {
    expect(await first.page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await first.text("variant")).toBe("relaxed-mt");
    const cores = await first.page.evaluate(() => navigator.hardwareConcurrency);
    const threads = Number.parseInt(await first.text("threads"), 10);
    expect(threads).toBeGreaterThan(cores > 1 ? 1 : 0);
  });

  it("answers sensibly, piece by piece", async () => {
    await first.page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      addEventListener("hearth-studio:delta", (event) =>
        seen.push((event as CustomEvent<{ text: string }>).detail.text),
      );
    });
    await first.settle(enough);
    await first.ask(question);
    expect(await first.answer()).toContain("Paris");
    const pieces = await first.page.evaluate(
      () => (globalThis as unknown as { seen: string[] }).seen.length,
    );
    expect(pieces).toBeGreaterThan(3);
    expect(await first.text("figures")).toMatch(/\d+ tokens · [\d.]+ tokens\/s · first after /);
  });

  it("sends nothing anywhere while it chats", async () => {
    const served = app.requests.length;
    const asked = first.requests.length;
    await first.ask("And of Italy?");
    expect(await first.answer()).not.toBe("");
    expect(app.requests.slice(served)).toEqual([]);
    expect(first.requests.slice(asked)).toEqual([]);
  });

  it("stops an answer soon after Escape and after the button, and answers again", async () => {
    await first.settle(512);
    for (const stop of [
      () => first.page.keyboard.press("Escape"),
      () => first.page.getByTestId("stop").click(),
    ]) {
      await first.page.getByRole("button", { name: "Clear the chat" }).click();
      await first.ask("Write a long story about a dragon, a knight and a very old library.");
      await first.page.locator(".answer .prose").waitFor();
      await stop();
      const text = await first.answer();
      expect(await first.text("figures")).toMatch(/^Stopped/);
      // The story would have gone on for 512 tokens, hundreds of words.
      expect(text.split(/\s+/).length).toBeLessThan(120);
      expect(await first.page.getByTestId("stop").count()).toBe(0);
    }
    await first.settle(enough);
    await first.ask(question);
    expect(await first.answer()).not.toBe("");
  });

  it("asked only its own origin for anything, without an error", () => {
    expect(first.requests.filter((address) => !address.startsWith(app.url))).toEqual([]);
    expect(first.troubles).toEqual([]);
  });

  it("loads from the device after a reload, and downloads nothing", async () => {
    const bytes = app.modelBytes();
    const models = app.ranges.length;
    await first.page.reload();
    await first.load();
    expect(await first.text("origin")).toMatch(/^Loaded from this device, nothing downloaded/);
    expect(app.modelBytes()).toBe(bytes);
    expect(app.ranges.length).toBe(models);
    await first.settle(enough);
    await first.ask(question);
    expect(await first.answer()).toContain("Paris");
    await first.page.close();
  });

  it("gives the same answer twice for the same seed", async () => {
    const { page, load, ask, answer, troubles } = await openApp(browser, app);
    await load();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByLabel("Seed").fill("7");
    await page.getByLabel("Longest answer").fill("24");
    await page.getByLabel("Longest answer").press("Tab");
    const answers = [];
    for (let time = 0; time < 2; time++) {
      await ask("Tell me about the sea.");
      answers.push(await answer());
      await page.getByRole("button", { name: "Clear the chat" }).click();
    }
    expect(answers[0]).not.toBe("");
    expect(answers[1]).toBe(answers[0]);
    expect(troubles).toEqual([]);
    await page.close();
  });

  it("tells on a phone what the model runs on, and checks the device", async () => {
    const { page, load, troubles } = await openApp(browser, app, { width: 375, height: 740 });
    await load();
    await page.getByRole("button", { name: "This device" }).click();
    const panel = page.getByRole("region", { name: "This device" });
    // This Chromium was started without a GPU.
    expect(await panel.textContent()).toMatch(/The model runs on\s*the processor\s*Why\s*\S/);
    await page.getByTestId("check").click();
    const verdict = await page.getByTestId("verdict").textContent();
    expect(verdict).toMatch(/Models run on the processor\.$/);
    const over = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return scrollWidth - clientWidth;
    });
    expect(over).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Settings" }).click();
    expect(await panel.count()).toBe(0);
    expect(troubles).toEqual([]);
    await page.close();
  });

  it("fits a phone, from the first screen to an answer with wide code", async () => {
    const { page, load, settle, ask, answer, troubles } = await openApp(browser, app, {
      width: 375,
      height: 740,
    });
    const overflow = () =>
      page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      });
    expect(await overflow()).toBeLessThanOrEqual(0);
    await load();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Settings" }).click();
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Settings" }).click();
    await settle(enough);
    await ask(`Repeat this word: ${"wide".repeat(40)}`);
    await answer();
    expect(await overflow()).toBeLessThanOrEqual(0);
    expect(troubles).toEqual([]);
    await page.close();
  });
});

it("works on one thread where the server does not isolate the page", async () => {
  const plain = await startApp({ isolated: false });
  try {
    const { page, load, settle, ask, answer, text, troubles } = await openApp(browser, plain);
    await load();
    await settle(enough);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    expect(await text("variant")).not.toBe("relaxed-mt");
    expect(await text("threads")).toBe("1 thread");
    await ask(question);
    expect(await answer()).toContain("Paris");
    expect(troubles).toEqual([]);
    await page.close();
  } finally {
    await plain.close();
  }
});
