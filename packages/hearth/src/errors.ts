import { type ErrorCode, errorCodes } from "./abi.generated.js";

export type { ErrorCode };

/**
 * Every failure of Hearth. `code` is for programs and never changes once released, `message` is one
 * sentence for people, `subject` the tensor, file, address or option it is about.
 */
export class HearthError extends Error {
  override readonly name = "HearthError";
  readonly code: ErrorCode;
  /** What it is about: a tensor's, file's or option's name; "" when there is none. */
  readonly subject: string;
  /** HTTP status, when a server answered with one. */
  readonly status: number | undefined;

  constructor(
    code: ErrorCode,
    message: string = errorCodes[code],
    options: { subject?: string; status?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.subject = options.subject ?? "";
    this.status = options.status;
  }

  /** What the code means in general, whatever happened here. */
  get meaning(): string {
    return errorCodes[this.code];
  }

  /** A plain object that survives postMessage and JSON. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      message: this.message,
      subject: this.subject,
      ...(this.status === undefined ? {} : { status: this.status }),
    };
  }

  static fromJSON(from: SerializedError): HearthError {
    return new HearthError(from.code, from.message, {
      subject: from.subject,
      ...(from.status === undefined ? {} : { status: from.status }),
    });
  }

  /** Wraps whatever was thrown: a HearthError as it is, an abort as `aborted`, the rest as `code`. */
  static from(thrown: unknown, code: ErrorCode = "internal", subject = ""): HearthError {
    if (thrown instanceof HearthError) return thrown;
    if (thrown instanceof Error && thrown.name === "AbortError") {
      return new HearthError("aborted", errorCodes.aborted, { subject, cause: thrown });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new HearthError(code, message, { subject, cause: thrown });
  }
}

export interface SerializedError {
  code: ErrorCode;
  message: string;
  subject: string;
  status?: number;
}

/** Throws `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new HearthError("aborted");
}
