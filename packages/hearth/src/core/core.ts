// The engine as its host sees it: calls that carry messages, and a way to put file bytes into its
// memory. Two implementations: WebAssembly in this process (wasm/) and a native process (native/).

import {
  type ErrorCode,
  errorCodes,
  type MethodName,
  methods,
  type Request,
  type Response,
} from "../abi.generated.js";
import { Reader, Writer } from "../abi.js";
import { HearthError } from "../errors.js";
import type { StoredFile } from "../store/store.js";

/** Where the bytes of a range come from and where they go. */
export interface RangeTarget {
  /** First byte of the range in the file. */
  readonly offset: number;
  /** Length in bytes. */
  readonly bytes: number;
  /** Address in the core's memory. */
  readonly address: number;
}

export interface RangeOptions {
  /** The file's name, for messages. */
  readonly name: string;
  /** Called after each slice with the bytes it held. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A running core. Its methods are called one at a time: the next after the last has settled. */
export interface Core {
  readonly device: "wasm" | "native";

  /** One call. Rejects or throws HearthError with the core's code. */
  call<M extends MethodName>(method: M, request: Request<M>): Response<M> | Promise<Response<M>>;

  /** Reads a range of a file straight into the core's memory, in slices. */
  load(range: RangeTarget, file: StoredFile, options: RangeOptions): Promise<void>;

  /** Ends the core and what it holds. Calls after it fail. */
  close(): void | Promise<void>;
}

/** Bytes read at once while loading: large enough that calls cost nothing, small enough to abort. */
export const sliceBytes = 4 * 1024 * 1024;

/** A request's bytes; valid until the next call. */
export function encodeRequest<M extends MethodName>(method: M, request: Request<M>): Uint8Array {
  const writer = new Writer();
  const write = methods[method].write as (w: Writer, m: Request<M>) => void;
  write(writer, request);
  return writer.finish();
}

/** Reads status and payload. Throws the error that the core answered with. */
export function decodeResponse<M extends MethodName>(
  method: M,
  status: number,
  payload: Uint8Array,
): Response<M> {
  const reader = new Reader(payload);
  if (status !== 0) throw decodeError(reader);
  return methods[method].read(reader) as Response<M>;
}

/** The error in a response whose status is 1: code, sentence, offending name. */
export function decodeError(reader: Reader): HearthError {
  const code = reader.string();
  const message = reader.string();
  const subject = reader.string();
  // A core newer than this package may know codes that it does not.
  const known = Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : "internal";
  return new HearthError(known, message || undefined, { subject });
}
