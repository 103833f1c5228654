/**
 * What the browser tests share: a server that counts requests and can be told to fail, a Chromium
 * with a profile of its own, and a page that remembers everything that must not happen in it.
 *
 * Each server has a port and so an origin, and with it an empty model store, of its own.
 */
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { modelFolder, type Served, serve } from "../../scripts/serve.mjs";

/** The file that the catalogue's first model consists of. */
export const modelFile = "SmolLM2-135M-Instruct.Q4_1.gguf";
export const modelPath = () => join(modelFolder(), modelFile);

/** Answers a request in place of the server and returns true, or leaves it to the server. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface App extends Served {
  /** Paths asked for, in order. */
  requests: string[];
  /** `Range` headers of the requests for models; "" for a request without one. */
  ranges: string[];
  /** Bytes of models that left the server. */
  modelBytes(): number;
  /** Meets every request for a model from now on; undefined lets them through again. */
  setFault(fault: Fault | undefined): void;
}

/** Serves the built app and the models. */
export async function startApp({ isolated = true } = {}): Promise<App> {
  let fault: Fault | undefined;
  let modelBytes = 0;
  const requests: string[] = [];
  const ranges: string[] = [];
  const served = await serve({
    isolated,
    intercept: (request, response) => {
      const path = request.url ?? "";
      requests.push(path);
      if (!path.startsWith("/models/")) return false;
      ranges.push(request.headers.range ?? "");
      // A connection is kept for later requests, so what it sent before is not this answer's.
      const before = response.socket?.bytesWritten ?? 0;
      response.once("close", () => {
        modelBytes += (response.socket ?? request.socket).bytesWritten - before;
      });
      return fault?.(request, response) ?? false;
    },
  });
  return {
    ...served,
    requests,
    ranges,
    modelBytes: () => modelBytes,
    setFault: (next) => {
      fault = next;
    },
  };
}

export interface Chromium {
  context: BrowserContext;
  close(): Promise<void>;
}

/**
 * Starts Chromium (`CHROMIUM`, else Debian's) with a new profile, which `close` removes. With
 * `HEADED=1` its window shows, on a machine with a display.
 *
 * @param flags More of Chromium's switches.
 */
export async function launch(flags: readonly string[] = []): Promise<Chromium> {
  const profile = await mkdtemp(join(tmpdir(), "hearth-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: process.env.HEADED !== "1",
    args: [
      ...(process.env.HEADED === "1" ? [] : ["--headless=new"]),
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags,
    ],
  });
  // The catalogue's second source must not make a test depend on the internet.
  await context.route(/^https:/, (route) => route.abort("connectionrefused"));
  return {
    context,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface AppPage {
  page: Page;
  /** Addresses of everything that the page and its workers asked for. */
  requests: string[];
  /** Console errors, uncaught exceptions and violations of the policy. */
  troubles: string[];
  /** Presses the button that loads the model, and waits until it has or has not. */
  load(): Promise<void>;
  /** Settings that give the same short answer each time: the likeliest words, `longest` tokens. */
  settle(longest: number): Promise<void>;
  /** Types a question and sends it, without waiting for an answer. */
  ask(question: string): Promise<void>;
  /** Waits for the end of the answer that is being written, and returns its text. */
  answer(): Promise<string>;
  /** Text of the element with this test id. */
  text(id: string): Promise<string>;
}

/** Opens the app in a new page. */
export async function openApp(
  { context }: Chromium,
  app: App,
  viewport = { width: 1100, height: 760 },
): Promise<AppPage> {
  const page = await context.newPage();
  // Loading and answering take long on a slow or busy machine; the test's own limit ends what hangs.
  page.setDefaultTimeout(240_000);
  await page.setViewportSize(viewport);
  const requests: string[] = [];
  const troubles: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(String(error)));
  await page.exposeFunction("reportViolation", (what: string) => troubles.push(what));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const report = (globalThis as unknown as { reportViolation(what: string): void })
        .reportViolation;
      report(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(app.url);
  const lastAnswer = page.locator(".answer").last();
  return {
    page,
    requests,
    troubles,
    load: async () => {
      await page.getByTestId("load").click();
      await page.locator("#question, [data-testid=failure]").first().waitFor();
    },
    settle: async (longest) => {
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByLabel("Temperature").fill("0");
      await page.getByLabel("Longest answer").fill(String(longest));
      await page.getByLabel("Longest answer").press("Tab");
      await page.getByRole("button", { name: "Settings" }).click();
    },
    ask: async (question) => {
      await page.locator("#question").fill(question);
      await page.keyboard.press("Enter");
    },
    answer: async () => {
      await page.locator('.page[data-generating="false"] .answer footer').last().waitFor();
      return (await lastAnswer.locator(".prose").textContent()) ?? "";
    },
    text: async (id) => (await page.getByTestId(id).last().textContent()) ?? "",
  };
}
