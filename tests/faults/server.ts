// A server that misbehaves on demand: each path is told how to answer, and what it was asked and
// what it sent is counted.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a path answers. By default: 200, the whole body, ranges supported, with an ETag. */
export interface Answer {
  body?: Uint8Array;
  status?: number;
  contentType?: string;
  /** Whether Range is honoured; true. */
  ranges?: boolean;
  /** The ETag; null for none. */
  etag?: string | null;
  lastModified?: string;
  /** Breaks the connection after this many bytes of the answer's body. */
  cutAfter?: number;
  /** How many answers are cut before the path behaves; all of them. */
  cuts?: number;
  /** The content-length to claim; null for none at all. */
  contentLength?: number | null;
  /** Sends this many bytes at a time, with `drip` milliseconds between. */
  piece?: number;
  drip?: number;
  /** Sends the rest only when this resolves, after `cutAfter` bytes, instead of cutting. */
  hold?: Promise<void>;
  redirect?: string;
  headers?: Record<string, string>;
}

/** One request, as the server saw it. */
export interface Seen {
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
  status: number;
  /** Bytes of the body that were written. */
  sent: number;
}

/** A server on a free port of this machine. */
export class FaultServer {
  readonly seen: Seen[] = [];
  private readonly answers = new Map<string, Answer>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FaultServer> {
    const server = createServer();
    const faults = new FaultServer(server);
    server.on("request", (request, response) => {
      void faults.answer(request, response);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return faults;
  }

  /** Where the server is; browsers count localhost as secure. */
  get origin(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** Tells a path how to answer from now on; returns its address. */
  set(path: string, answer: Answer): string {
    this.answers.set(path, answer);
    return this.origin + path;
  }

  /** Bytes of bodies sent for a path. */
  sent(path: string): number {
    return this.requests(path).reduce((sum, seen) => sum + seen.sent, 0);
  }

  requests(path: string): Seen[] {
    return this.seen.filter((seen) => seen.path === path);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", this.origin).pathname;
    const told = this.answers.get(path) ?? { status: 404 };
    const body = told.body ?? new Uint8Array();
    const etag = told.etag === undefined ? '"v1"' : told.etag;
    const { range } = request.headers;
    const condition = request.headers["if-range"] as string | undefined;
    const fresh = condition === undefined || condition === etag || condition === told.lastModified;
    const from = told.ranges !== false && fresh ? rangeStart(range) : undefined;
    const start = from ?? 0;
    let status = told.status ?? 200;
    if (told.redirect !== undefined) status = 302;
    else if (from !== undefined && status === 200) status = start < body.length ? 206 : 416;
    const part = status === 416 ? new Uint8Array() : body.subarray(start);
    const seen: Seen = { path, range, ifRange: condition, status, sent: 0 };
    this.seen.push(seen);
    response.on("error", () => {}); // the client went away, as aborts do

    // What threads in a page need, and what makes any page allowed to read.
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("content-type", told.contentType ?? "application/octet-stream");
    if (etag !== null) response.setHeader("etag", etag);
    if (told.lastModified !== undefined) response.setHeader("last-modified", told.lastModified);
    if (told.redirect !== undefined) response.setHeader("location", told.redirect);
    if (status === 206) {
      response.setHeader("content-range", `bytes ${start}-${body.length - 1}/${body.length}`);
    }
    if (status === 416) response.setHeader("content-range", `bytes */${body.length}`);
    if (told.contentLength !== null) {
      response.setHeader("content-length", told.contentLength ?? part.length);
    }
    for (const [name, value] of Object.entries(told.headers ?? {})) response.setHeader(name, value);
    response.writeHead(status);
    response.flushHeaders();
    await this.send(response, told, part, seen);
  }

  private async send(
    response: ServerResponse,
    told: Answer,
    part: Uint8Array,
    seen: Seen,
  ): Promise<void> {
    const cuts = told.cutAfter !== undefined && (told.cuts ?? 1) > 0;
    if (cuts && told.cuts !== undefined) told.cuts--;
    const end = cuts ? Math.min(told.cutAfter ?? 0, part.length) : part.length;
    const piece = told.piece ?? 64 * 1024;
    const write = async (from: number, to: number): Promise<void> => {
      for (let at = from; at < to && !response.destroyed; at += piece) {
        const bytes = part.subarray(at, Math.min(at + piece, to));
        await new Promise((resolve) => {
          response.write(bytes, resolve);
        });
        seen.sent += bytes.length;
        if (told.drip !== undefined) await new Promise((go) => setTimeout(go, told.drip));
      }
    };
    await write(0, end);
    if (told.hold !== undefined) {
      await told.hold;
      await write(end, part.length);
      response.end();
    } else if (cuts) {
      response.socket?.destroySoon();
    } else {
      response.end();
    }
  }
}

function rangeStart(range: string | undefined): number | undefined {
  const start = /^bytes=(\d+)-$/.exec(range ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

/** Bytes that look random and are the same each time (xorshift). */
export function testBytes(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let x = seed;
  for (let i = 0; i < size; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    bytes[i] = x;
  }
  return bytes;
}
