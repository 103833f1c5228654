// Completes package-lock.json files after `npm install` against a registry mirror.
//
// A mirror may hold only the optional builds of its own platform (say, `@biomejs/cli-linux-x64` but
// not `@biomejs/cli-win32-x64`). `npm install` then leaves the missing ones out of the lock file, and
// `npm ci` refuses such a file as out of sync. This adds the entries that the dependent package
// pins by exact version, marked with the platform that their names state, so that npm skips them
// wherever they do not belong. They carry no integrity hash: the mirror has no bytes to take it from.
//
//   node scripts/complete-lock.mjs package-lock.json bench/peers/package-lock.json

import { readFileSync, writeFileSync } from "node:fs";

// The words in a package's name that state its platform, in npm's own vocabulary.
const systems = new Map(
  Object.entries({
    android: "android",
    aix: "aix",
    darwin: "darwin",
    freebsd: "freebsd",
    linux: "linux",
    mac: "darwin",
    netbsd: "netbsd",
    openbsd: "openbsd",
    openharmony: "openharmony",
    sunos: "sunos",
    wasm32: "wasm32",
    wasi: "wasi",
    win: "win32",
    win32: "win32",
  }),
);
const processors = new Map(
  Object.entries({
    arm: "arm",
    arm64: "arm64",
    armv7l: "arm",
    ia32: "ia32",
    loong64: "loong64",
    mips64el: "mips64el",
    ppc64: "ppc64",
    riscv64: "riscv64",
    s390x: "s390x",
    x64: "x64",
  }),
);

const files = process.argv.slice(2);
if (files.length === 0 || files.includes("--help")) {
  console.log("usage: node scripts/complete-lock.mjs LOCKFILE...");
  process.exit(files.length === 0 ? 2 : 0);
}
for (const file of files) {
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const added = [];
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      // npm looks a dependency up from its owner's folder towards the root.
      const places = [`${owner}/node_modules/${name}`, `node_modules/${name}`];
      if (places.some((place) => lock.packages[place] !== undefined)) continue;
      if (!/^\d+\.\d+\.\d+/.test(version)) continue; // a range: only a registry can resolve it
      const words = name.split(/[-/]/);
      const os = words.map((word) => systems.get(word)).filter(Boolean);
      const cpu = words.map((word) => processors.get(word)).filter(Boolean);
      lock.packages[`node_modules/${name}`] = {
        version,
        ...(cpu.length > 0 && { cpu }),
        ...(entry.dev && { dev: true }),
        optional: true,
        ...(os.length > 0 && { os }),
      };
      added.push(name);
    }
  }
  const packages = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries(packages);
  if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(
    `${file}: ${added.length} entries added${added.map((name) => `\n  ${name}`).join("")}`,
  );
}
