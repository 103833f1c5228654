// `make demo`: the app, served on this machine, opened in a headless Chromium, asked a question. The
// answer streams to the terminal as it streams in the page. Everything it needs is there already:
// make has installed, built and fetched the model.
//
//   PROMPT    the question
//   CHROMIUM  the browser, when it is not /usr/bin/chromium
//
// Exits 0 when an answer came, else 1 with a sentence. From a terminal it keeps serving the app.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { appFolder, modelFolder, serve } from "./serve.mjs";
import { bar, bytes, columns, dim, facts, seconds, Wrapper } from "./terminal.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const profile = join(root, ".cache/demo-profile");
const out = join(root, "out");
const question = process.env.PROMPT || "What is the capital of France, and what is it known for?";

/** Longest time without progress or a word of the answer before the demo gives up, in seconds. */
const patience = 180;

class DemoError extends Error {}

/**
 * Serves on the port of last time: a browser's store belongs to an origin, and the port is part of
 * that. Only when something else has it now does the demo take another, and download again.
 */
async function serveAgain() {
  const note = join(profile, "hearth-port");
  mkdirSync(profile, { recursive: true });
  const last = existsSync(note) ? Number(readFileSync(note, "utf8")) : 0;
  const served = await serve({ port: Number.isInteger(last) ? last : 0 }).catch(() => serve());
  writeFileSync(note, String(served.port));
  return served;
}

async function openBrowser() {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    throw new DemoError(`There is no Chromium at ${executablePath}; CHROMIUM says where one is.`);
  }
  return chromium.launchPersistentContext(profile, {
    executablePath,
    viewport: { width: 1100, height: 760 },
    deviceScaleFactor: 2,
    args: [
      "--headless=new",
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Draws progress: one line that changes on a terminal, a line every quarter in a log. */
function progressPrinter() {
  const names = {
    resolve: "Finding the model",
    download: "Downloading",
    compile: "Compiling",
    load: "Loading",
    ready: "Ready",
  };
  let phase = "";
  let quarter = -1;
  return {
    show(progress) {
      const { loaded, total } = progress;
      const name = names[progress.phase] ?? progress.phase;
      if (process.stdout.isTTY) {
        process.stdout.write(`\r\x1b[2K${bar(name, progress, columns())}`);
        return;
      }
      if (progress.phase !== phase) {
        phase = progress.phase;
        quarter = -1;
      }
      const now = total > 0 ? Math.floor((4 * loaded) / total) : 0;
      if (total > 0 && now > quarter) {
        quarter = now;
        console.log(bar(name, progress, columns()));
      }
    },
    end() {
      if (process.stdout.isTTY) process.stdout.write("\r\x1b[2K");
    },
  };
}

/**
 * Passes on the page's `hearth-studio:*` events. `settle` resolves with the detail of the first of
 * the two kinds that end a wait, and rejects on a failure, a crash or too long a silence.
 */
async function listen(page, onEvent) {
  let waiting;
  let timer;
  const rearm = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => waiting?.reject(new DemoError(`Nothing happened for ${patience} seconds.`)),
      patience * 1000,
    );
  };
  await page.exposeFunction("hearthStudioEvent", (name, detail) => {
    rearm();
    onEvent(name, detail);
    if (name === "failure") {
      const about = detail.subject ? ` (${detail.subject})` : "";
      waiting?.reject(new DemoError(`${detail.message} [${detail.code}]${about}`));
    } else if (name === waiting?.name) waiting.resolve(detail);
  });
  page.on("crash", () => waiting?.reject(new DemoError("The page crashed.")));
  // So it is after Ctrl-C too, which Playwright hands on to the browser.
  page.on("close", () => waiting?.reject(new DemoError("The browser was closed.")));
  page.on("pageerror", (error) => waiting?.reject(error));
  await page.addInitScript(() => {
    for (const name of ["progress", "ready", "delta", "answer", "failure"]) {
      addEventListener(`hearth-studio:${name}`, ({ detail }) =>
        globalThis.hearthStudioEvent(name, detail),
      );
    }
  });
  return async (name, action) => {
    const happened = new Promise((resolve, reject) => {
      waiting = { name, resolve, reject };
    });
    // The action itself may fail first; the wait must then not be left as an unhandled rejection.
    happened.catch(() => {});
    rearm();
    try {
      await action();
      return await happened;
    } finally {
      clearTimeout(timer);
      waiting = undefined;
    }
  };
}

async function ask(context, url) {
  const page = context.pages()[0] ?? (await context.newPage());
  const progress = progressPrinter();
  const wrapper = new Wrapper(columns(), (text) => process.stdout.write(text));
  const until = await listen(page, (name, detail) => {
    if (name === "progress") progress.show(detail);
    if (name === "delta") wrapper.write(detail.text);
  });
  await page.goto(url);
  const info = await until("ready", () => page.getByTestId("load").click());
  progress.end();

  new Wrapper(columns(), (text) => process.stdout.write(text)).write(`> ${question}\n\n`);
  const { content, figures } = await until("answer", async () => {
    await page.locator("#question").fill(question);
    await page.keyboard.press("Enter");
  });
  wrapper.end();
  if (content.trim() === "") throw new DemoError("The model ended its answer without a word.");

  const came =
    info.source === "network"
      ? `${bytes(info.downloadedBytes)} downloaded, kept from now on`
      : "this browser's store, nothing downloaded";
  console.log(
    facts(
      [
        ["Model", info.name],
        ["Device", `${info.device}, ${info.variant}`],
        ["Threads", String(info.threads)],
        ["Weights from", came],
        ["Load time", seconds(info.loadSeconds)],
        ["First token", figures ? `after ${seconds(figures.firstTokenSeconds)}` : "unknown"],
        ["Speed", figures ? `${figures.tokensPerSecond.toFixed(1)} tokens/s` : "unknown"],
      ],
      columns(),
    ),
  );

  mkdirSync(out, { recursive: true });
  await page.screenshot({ path: join(out, "demo.png") });
  await page.setViewportSize({ width: 375, height: 740 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done())));
  await page.screenshot({ path: join(out, "demo-phone.png") });
  console.log(dim("Screenshots: out/demo.png, out/demo-phone.png"));
}

async function main() {
  if (!existsSync(join(appFolder, "index.html"))) {
    throw new DemoError("The app is not built; `make demo` builds it.");
  }
  if (!existsSync(modelFolder())) {
    throw new DemoError("No model has been fetched; `make demo` fetches it.");
  }
  const { url, close } = await serveAgain();
  console.log(`Hearth Studio at ${url}\n`);
  let context;
  try {
    context = await openBrowser();
    await ask(context, url);
  } finally {
    await context?.close();
    if (!process.stdin.isTTY) await close();
  }
  if (process.stdin.isTTY) console.log(`\nStill serving ${url}  (Ctrl-C ends)`);
}

try {
  await main();
} catch (error) {
  // A fault of ours keeps its stack; what the demo knows how to say is one sentence.
  const said = error instanceof DemoError ? error.message : (error?.stack ?? String(error));
  process.stderr.write(`\nNo answer came: ${said}\n`);
  process.exit(1);
}
