// The wire format of messages to and from the core (core/src/abi/codec.h): little-endian, no padding,
// strings, bytes and lists behind a u32 count. The messages themselves are generated.

const encoder = new TextEncoder();
// A byte order mark is text like any other here: a token may be one.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes a message into a buffer that grows. */
export class Writer {
  private buffer = new Uint8Array(1024);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  private reserve(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.length, this.buffer.length * 2));
      grown.set(this.buffer);
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }
  u8(value: number): void {
    const at = this.reserve(1);
    this.view.setUint8(at, value);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
  }
  i32(value: number): void {
    const at = this.reserve(4);
    this.view.setInt32(at, value, true);
  }
  u64(value: number): void {
    const at = this.reserve(8);
    this.view.setBigUint64(at, BigInt(value), true);
  }
  f32(value: number): void {
    const at = this.reserve(4);
    this.view.setFloat32(at, value, true);
  }
  f64(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, value, true);
  }
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.reserve(value.length);
    this.buffer.set(value, at);
  }
  string(value: string): void {
    this.bytes(encoder.encode(value));
  }
  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.u32(values.length);
    for (const value of values) write(value);
  }

  /** What was written; valid until the next write. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** Reads a message. The core wrote it, so a read past the end is a bug of ours and throws. */
export class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly buffer: Uint8Array) {
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  private take(size: number): number {
    const at = this.at;
    this.at += size;
    return at;
  }

  bool(): boolean {
    return this.u8() !== 0;
  }
  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  /** Exact up to 2^53, which no file size or address here passes. */
  u64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }
  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }
  /** A copy: the core reuses the buffer it answers in. */
  bytes(): Uint8Array {
    const size = this.u32();
    const at = this.take(size);
    // Not slice(): on a Buffer, which the native engine's messages come in, it copies nothing.
    return new Uint8Array(this.buffer.subarray(at, at + size));
  }
  string(): string {
    return decoder.decode(this.bytes());
  }
  list<T>(read: () => T): T[] {
    const count = this.u32();
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(read());
    return values;
  }
}
