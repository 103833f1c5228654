// Serves store-worker.ts to a Chromium and calls into it: what store.test.ts needs and no more.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { FaultServer } from "../faults/server.js";

const kPage = `<!doctype html><title>store</title><link rel="icon" href="data:,"><script type="module">
  const worker = new Worker("/worker.js", { type: "module" });
  const waiting = [];
  worker.onmessage = ({ data: [id, answer] }) => waiting[id](JSON.parse(answer));
  globalThis.call = (name, argument) =>
    new Promise((resolve) => {
      worker.postMessage([waiting.push(resolve) - 1, name, argument]);
    });
</script>`;

/** A Chromium with a profile of its own, and the server of its one page. */
export class StoreBrowser {
  private constructor(
    readonly server: FaultServer,
    readonly context: BrowserContext,
    private readonly profile: string,
  ) {}

  static async start(): Promise<StoreBrowser> {
    const server = await FaultServer.start();
    const bundle = await build({
      entryPoints: [fileURLToPath(new URL("store-worker.ts", import.meta.url))],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    const script = bundle.outputFiles[0]?.contents ?? new Uint8Array();
    server.set("/worker.js", { body: script, contentType: "text/javascript" });
    server.set("/", { body: new TextEncoder().encode(kPage), contentType: "text/html" });
    const profile = await mkdtemp(join(tmpdir(), "hearth-store-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
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
    return new StoreBrowser(server, context, profile);
  }

  /** A new tab; all tabs share one store. */
  async open(): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(`${this.server.origin}/`);
    return page;
  }

  async close(): Promise<void> {
    await this.context.close();
    await this.server.close();
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs an operation of store-worker.ts in a tab's worker. */
export function call<T>(page: Page, name: string, argument?: unknown): Promise<T> {
  return page.evaluate(
    ([operation, given]) => {
      type Call = (name: unknown, argument: unknown) => Promise<unknown>;
      return (globalThis as unknown as { call: Call }).call(operation, given);
    },
    [name, argument],
  ) as Promise<T>;
}
