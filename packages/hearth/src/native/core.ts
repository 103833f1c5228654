// The core as a native process (core/host/native.cc), in Node: the same messages in frames over its
// standard input and output. The process reads weights from disk itself.

import { type ChildProcess, spawn } from "node:child_process";
import { type MethodName, methods, type Request, type Response } from "../abi.generated.js";
import { Reader, Writer } from "../abi.js";
import {
  type Core,
  decodeError,
  decodeResponse,
  encodeRequest,
  type RangeOptions,
  type RangeTarget,
  sliceBytes,
} from "../core/core.js";
import { HearthError, throwIfAborted } from "../errors.js";
import type { StoredFile } from "../store/store.js";

/** Beyond the core's own methods: read a range of a file into memory. */
const readMethod = 0xfffffffe;
/** A response's header: u32 payload length, u8 status. */
const headerBytes = 5;

interface Waiting {
  resolve(response: { status: number; payload: Uint8Array }): void;
  reject(error: HearthError): void;
}

export class NativeCore implements Core {
  readonly device = "native";
  readonly #process: ChildProcess;
  readonly #waiting: Waiting[] = [];
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #ended: HearthError | undefined;

  private constructor(process: ChildProcess, path: string) {
    this.#process = process;
    process.stdout?.on("data", (chunk: Buffer) => this.#receive(chunk));
    process.stdin?.on("error", () => {}); // the exit that caused it is reported below
    process.on("error", (error) => this.#end(HearthError.from(error, "unsupported_device", path)));
    process.on("exit", (status, signal) =>
      this.#end(
        new HearthError(
          "worker_lost",
          `The native engine ended (${signal ?? `status ${status}`}).`,
          {
            subject: path,
          },
        ),
      ),
    );
  }

  /**
   * Starts the native engine.
   *
   * @param path    The binary `hearth-native`.
   * @param threads Threads for kernels; all cores when left out.
   * @throws HearthError `unsupported_device` when the binary does not start.
   */
  static async start(path: string, threads?: number): Promise<NativeCore> {
    const args = threads === undefined ? [] : ["--threads", String(threads)];
    const child = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"] });
    const core = new NativeCore(child, path);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        reject(
          new HearthError(
            "unsupported_device",
            `The native engine did not start: ${error.message}.`,
            {
              subject: path,
              cause: error,
            },
          ),
        );
      });
    });
    return core;
  }

  async call<M extends MethodName>(method: M, request: Request<M>): Promise<Response<M>> {
    const response = await this.#send(methods[method].number, encodeRequest(method, request));
    return decodeResponse(method, response.status, response.payload);
  }

  async load(range: RangeTarget, file: StoredFile, options: RangeOptions): Promise<void> {
    const { path } = file;
    if (path === undefined) {
      throw new HearthError("unsupported_device", "The native engine reads files on disk only.", {
        subject: options.name,
      });
    }
    for (let done = 0; done < range.bytes; ) {
      throwIfAborted(options.signal);
      const size = Math.min(sliceBytes, range.bytes - done);
      const writer = new Writer();
      writer.string(path);
      writer.u64(range.offset + done);
      writer.u64(size);
      writer.u64(range.address + done);
      const { status, payload } = await this.#send(readMethod, writer.finish());
      if (status !== 0) throw decodeError(new Reader(payload));
      done += size;
      options.onBytes?.(size);
    }
  }

  close(): void {
    this.#end(new HearthError("invalid_handle", "The engine is closed."));
    this.#process.kill();
  }

  #send(method: number, payload: Uint8Array): Promise<{ status: number; payload: Uint8Array }> {
    if (this.#ended) return Promise.reject(this.#ended);
    const frame = Buffer.alloc(8 + payload.length);
    frame.writeUInt32LE(method, 0);
    frame.writeUInt32LE(payload.length, 4);
    frame.set(payload, 8);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.stdin?.write(frame);
    });
  }

  #receive(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    while (this.#receivedBytes >= headerBytes) {
      let first = this.#received[0] as Buffer;
      if (first.length < headerBytes) first = this.#join();
      const total = headerBytes + first.readUInt32LE(0);
      if (this.#receivedBytes < total) return;
      const frame = this.#join();
      const rest = frame.subarray(total);
      this.#received = rest.length > 0 ? [rest] : [];
      this.#receivedBytes = rest.length;
      const status = frame.readUInt8(4);
      this.#waiting.shift()?.resolve({ status, payload: frame.subarray(headerBytes, total) });
    }
  }

  #join(): Buffer {
    const [only] = this.#received;
    if (this.#received.length === 1 && only) return only;
    const joined = Buffer.concat(this.#received);
    this.#received = [joined];
    return joined;
  }

  #end(error: HearthError): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}
