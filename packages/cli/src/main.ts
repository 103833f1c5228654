#!/usr/bin/env node
// The program: the real streams, clock and signals around cli.ts.

import * as hearth from "hearth";
import { main } from "./cli.js";
import type { Context } from "./context.js";
import { exitCodes } from "./context.js";
import type { Output } from "./terminal.js";

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      // A terminal of unknown width reports 0.
      return stream.columns || 80;
    },
  };
}

// `hearth inspect … | head` closes the pipe early: that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? exitCodes.ok : exitCodes.failure);
  });
}

const context: Context = {
  hearth,
  stdin: process.stdin,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  now: () => performance.now() / 1000,
  onInterrupt: (handler) => {
    process.on("SIGINT", handler);
    return () => process.off("SIGINT", handler);
  },
};

// exitCode and not exit(): what is still in a pipe gets written. Commands close their engines, so
// nothing keeps the process alive.
process.exitCode = await main(process.argv.slice(2), context);
