// GGUF files made by hand: a llama of one layer, of a few hundred kilobytes with its tokenizer, that
// continues the alphabet; and the same file with something wrong in it.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

/** Numbers of GGUF's value types. */
const types = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

export type Value =
  | { u32: number }
  | { bool: boolean }
  | { f32: number }
  | { string: string }
  | { strings: string[] }
  | { i32s: number[] };

export interface GgufTensor {
  name: string;
  /** Dimensions, innermost first, as the format has them. */
  shape: (number | bigint)[];
  /** ggml's number of the element type; 0, F32, when left out. */
  type?: number;
  /** Bytes from the start of the data; the next free ones when left out. */
  offset?: bigint;
  values?: Float32Array;
}

export interface GgufParts {
  magic: string;
  version: number;
  metadata: [string, Value][];
  tensors: GgufTensor[];
  /** Counts that the header claims; the true ones when left out. */
  tensorCount?: bigint;
  metadataCount?: bigint;
}

/** Tensors start at multiples of this, the format's default. */
const alignment = 32;

class Bytes {
  #parts: Uint8Array[] = [];
  length = 0;

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.length += bytes.length;
  }
  u32(value: number): void {
    const bytes = new DataView(new ArrayBuffer(4));
    bytes.setUint32(0, value, true);
    this.add(new Uint8Array(bytes.buffer));
  }
  u64(value: number | bigint): void {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setBigUint64(0, BigInt(value), true);
    this.add(new Uint8Array(bytes.buffer));
  }
  f32s(values: Float32Array): void {
    this.add(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.u64(bytes.length);
    this.add(bytes);
  }
  pad(): void {
    this.add(new Uint8Array((alignment - (this.length % alignment)) % alignment));
  }
  joined(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function addValue(bytes: Bytes, value: Value): void {
  if ("u32" in value) {
    bytes.u32(types.u32);
    bytes.u32(value.u32);
  } else if ("bool" in value) {
    bytes.u32(types.bool);
    bytes.add(Uint8Array.of(value.bool ? 1 : 0));
  } else if ("f32" in value) {
    bytes.u32(types.f32);
    bytes.f32s(Float32Array.of(value.f32));
  } else if ("string" in value) {
    bytes.u32(types.string);
    bytes.text(value.string);
  } else if ("strings" in value) {
    bytes.u32(types.array);
    bytes.u32(types.string);
    bytes.u64(value.strings.length);
    for (const text of value.strings) bytes.text(text);
  } else {
    bytes.u32(types.array);
    bytes.u32(types.i32);
    bytes.u64(value.i32s.length);
    for (const number of value.i32s) bytes.u32(number);
  }
}

/** The file, and where its data starts. */
export function writeGguf(parts: GgufParts): { file: Uint8Array<ArrayBuffer>; dataAt: number } {
  const bytes = new Bytes();
  bytes.add(new TextEncoder().encode(parts.magic));
  bytes.u32(parts.version);
  bytes.u64(parts.tensorCount ?? parts.tensors.length);
  bytes.u64(parts.metadataCount ?? parts.metadata.length);
  for (const [key, value] of parts.metadata) {
    bytes.text(key);
    addValue(bytes, value);
  }
  let next = 0n;
  for (const tensor of parts.tensors) {
    bytes.text(tensor.name);
    bytes.u32(tensor.shape.length);
    for (const size of tensor.shape) bytes.u64(size);
    bytes.u32(tensor.type ?? 0);
    bytes.u64(tensor.offset ?? next);
    const elements = tensor.shape.reduce<bigint>((product, size) => product * BigInt(size), 1n);
    const step = BigInt(alignment);
    next = (((tensor.offset ?? next) + elements * 4n + step - 1n) / step) * step;
  }
  bytes.pad();
  const dataAt = bytes.length;
  for (const { values } of parts.tensors) {
    if (!values) continue;
    bytes.f32s(values);
    bytes.pad();
  }
  return { file: bytes.joined(), dataAt };
}

/** Bytes as byte-level BPE spells them: those that print stand for themselves. */
function byteTokens(): string[] {
  let unprinted = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints =
      (byte > 32 && byte < 127) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
    return String.fromCodePoint(prints ? byte : 256 + unprinted++);
  });
}

/** Tokens past the bytes: the end of a turn, and its start. */
const endId = 256;
const startId = 257;
const vocabSize = 258;
const hidden = 64;
const feedForward = 32;

/** Tokens that the model's sessions hold: enough for a generation to be aborted in the midst of it. */
export const alphabetContext = 4096;

const [a, z] = [97, 122]; // the letters' ids are their bytes

/** The letter that follows one; after the last comes the first. */
const following = (id: number) => (id < z ? id + 1 : a);

/**
 * A vector of ±1 for each token, from a fixed generator (xorshift). In 64 dimensions two of them are
 * far from parallel, so that the likeliest token is never in doubt.
 */
function embeddings(): Float32Array {
  const values = new Float32Array(vocabSize * hidden); // (token, hidden)
  let x = 0x2545f491;
  for (const i of values.keys()) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    values[i] = x & 0x10000 ? 1 : -1;
  }
  return values;
}

/**
 * The parts of a model that continues the alphabet: "abc" with "defg…", past "z" with "a", for ever.
 * Its layer adds nothing, and each letter's row of the output matrix is the embedding of the letter
 * before it.
 */
export function alphabetParts(): GgufParts {
  const table = embeddings();
  const output = new Float32Array(vocabSize * hidden); // (token, hidden)
  for (let id = a; id <= z; id++) {
    output.set(table.subarray(id * hidden, (id + 1) * hidden), following(id) * hidden);
  }
  const zeros = (size: number) => new Float32Array(size);
  const ones = (size: number) => new Float32Array(size).fill(1);
  const square = (name: string): GgufTensor => ({
    name: `blk.0.${name}.weight`,
    shape: [hidden, hidden],
    values: zeros(hidden * hidden),
  });
  const norm = (name: string): GgufTensor => ({ name, shape: [hidden], values: ones(hidden) });
  const wide = (name: string, shape: [number, number]): GgufTensor => ({
    name: `blk.0.${name}.weight`,
    shape,
    values: zeros(shape[0] * shape[1]),
  });
  return {
    magic: "GGUF",
    version: 3,
    metadata: [
      ["general.architecture", { string: "llama" }],
      ["general.name", { string: "Alphabet" }],
      ["llama.block_count", { u32: 1 }],
      ["llama.embedding_length", { u32: hidden }],
      ["llama.feed_forward_length", { u32: feedForward }],
      ["llama.attention.head_count", { u32: 2 }],
      ["llama.context_length", { u32: alphabetContext }],
      ["llama.attention.layer_norm_rms_epsilon", { f32: 1e-5 }],
      ["tokenizer.ggml.model", { string: "gpt2" }],
      ["tokenizer.ggml.pre", { string: "gpt2" }],
      ["tokenizer.ggml.tokens", { strings: [...byteTokens(), "<|end|>", "<|start|>"] }],
      [
        "tokenizer.ggml.token_type",
        { i32s: Array.from({ length: vocabSize }, (_, id) => (id < endId ? 1 : 3)) },
      ],
      ["tokenizer.ggml.merges", { strings: [] }],
      ["tokenizer.ggml.eos_token_id", { u32: endId }],
      ["tokenizer.ggml.bos_token_id", { u32: startId }],
      // Nothing around the messages, so that an empty conversation makes an empty prompt.
      [
        "tokenizer.chat_template",
        { string: "{% for message in messages %}{{ message['content'] }}{% endfor %}" },
      ],
    ],
    tensors: [
      { name: "token_embd.weight", shape: [hidden, vocabSize], values: table },
      norm("blk.0.attn_norm.weight"),
      square("attn_q"),
      square("attn_k"),
      square("attn_v"),
      square("attn_output"),
      norm("blk.0.ffn_norm.weight"),
      wide("ffn_gate", [hidden, feedForward]),
      wide("ffn_up", [hidden, feedForward]),
      wide("ffn_down", [feedForward, hidden]),
      norm("output_norm.weight"),
      { name: "output.weight", shape: [hidden, vocabSize], values: output },
    ],
  };
}

/** The alphabet's file. */
export const alphabet = (): Uint8Array<ArrayBuffer> => writeGguf(alphabetParts()).file;

/** The alphabet's file with one thing changed. */
export function alphabetWith(change: (parts: GgufParts) => void): Uint8Array<ArrayBuffer> {
  const parts = alphabetParts();
  change(parts);
  return writeGguf(parts).file;
}

/** The alphabet's model with random numbers in its layer, so that each letter depends on all before. */
export function wanderer(): Uint8Array<ArrayBuffer> {
  return alphabetWith(({ tensors }) => {
    let x = 0x9e3779b9;
    for (const { name, values } of tensors) {
      if (!values || !/blk\.0\.(attn_(q|k|v|output)|ffn_(gate|up|down))\./.test(name)) continue;
      for (const i of values.keys()) {
        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        // Within ±1, so that what the layer adds outweighs the embedding that it is added to; less
        // for queries and keys, so that more than one position is looked at.
        const range = /attn_(q|k)\./.test(name) ? 1 / 4 : 1;
        values[i] = ((x >>> 0) / 2 ** 31 - 1) * range;
      }
    }
  });
}

/** Sets or replaces a metadata value. */
export function setValue(parts: GgufParts, key: string, value: Value): void {
  const entry = parts.metadata.find(([name]) => name === key);
  if (entry) entry[1] = value;
  else parts.metadata.push([key, value]);
}

/** The tensor of that name. */
export function tensorOf(parts: GgufParts, name: string): GgufTensor {
  const tensor = parts.tensors.find((each) => each.name === name);
  if (!tensor) throw new Error(`The alphabet has no tensor ${name}.`);
  return tensor;
}
