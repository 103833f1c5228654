import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { FileLocks } from "./disk-lock.js";

const folder = mkdtempSync(join(tmpdir(), "hearth-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// No process has this id: Linux ends at 2^22, and no system passes 2^31.
const kNobody = 2_147_483_647;

it("holds out other processes, and gives the lock back", async () => {
  // Two objects know nothing of each other, as two processes do.
  const [mine, theirs] = [new FileLocks(folder), new FileLocks(folder)];
  const steps: string[] = [];
  const hold = (name: string) => async (): Promise<void> => {
    steps.push(`${name} in`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    steps.push(`${name} out`);
  };
  await Promise.all([mine.run("a", undefined, hold("1")), theirs.run("a", undefined, hold("2"))]);
  expect(steps).toHaveLength(4);
  expect(steps[0]?.[0]).toBe(steps[1]?.[0]); // who went in first came out before the other went in
  expect(existsSync(join(folder, "a"))).toBe(false);
});

it("takes over from a process that died", async () => {
  writeFileSync(join(folder, "b"), `${hostname()} ${kNobody} some-id`);
  expect(await new FileLocks(folder).run("b", undefined, async () => "mine")).toBe("mine");
});

it("takes over from another machine whose time was not renewed", async () => {
  const at = join(folder, "c");
  writeFileSync(at, "elsewhere 1 some-id");
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(at, longAgo, longAgo);
  expect(await new FileLocks(folder).run("c", undefined, async () => "mine")).toBe("mine");
});

it("waits for a holder that lives, until the caller gives up", async () => {
  writeFileSync(join(folder, "d"), `${hostname()} ${process.pid} some-id`);
  const abort = new AbortController();
  const waiting = new FileLocks(folder).run("d", abort.signal, async () => "mine");
  setTimeout(() => abort.abort(), 20);
  await expect(waiting).rejects.toMatchObject({ code: "aborted" });
  expect(existsSync(join(folder, "d"))).toBe(true);
});
