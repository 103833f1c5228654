// Writes a GGUF of a Llama's shape with random Q4_0 weights: what peers need to be timed on models of
// real sizes where none can be downloaded. What they write means nothing, at the speed of the real one.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

import { closeSync, openSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";

/** As the models' config.json files have them; the core's models/shapes.cc has the same. */
export const shapes = {
  "smollm2-135m": {
    hidden: 576,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headSize: 64,
    ffn: 1536,
    vocab: 49152,
    tied: true,
  },
  "llama-3.2-1b": {
    hidden: 2048,
    layers: 16,
    heads: 32,
    kvHeads: 8,
    headSize: 64,
    ffn: 8192,
    vocab: 128256,
    tied: true,
  },
  "llama-3.2-3b": {
    hidden: 3072,
    layers: 28,
    heads: 24,
    kvHeads: 8,
    headSize: 128,
    ffn: 8192,
    vocab: 128256,
    tied: true,
  },
  "llama-3.1-8b": {
    hidden: 4096,
    layers: 32,
    heads: 32,
    kvHeads: 8,
    headSize: 128,
    ffn: 14336,
    vocab: 128256,
    tied: false,
  },
};

const types = { u32: 4, i32: 5, f32: 6, string: 8, array: 9 };
const tensorTypes = { f32: 0, q4: 2 };
const alignment = 32;

class Bytes {
  #parts = [];
  u32(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#parts.push(bytes);
  }
  u64(value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    this.#parts.push(bytes);
  }
  f32(value) {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#parts.push(bytes);
  }
  string(text) {
    this.u64(Buffer.byteLength(text));
    this.#parts.push(Buffer.from(text));
  }
  entry(key, type, value) {
    this.string(key);
    this.u32(types[type]);
    this[type === "i32" ? "u32" : type](value);
  }
  list(key, type, values) {
    this.string(key);
    this.u32(types.array);
    this.u32(types[type]);
    this.u64(values.length);
    for (const value of values) this[type === "i32" ? "u32" : type](value);
  }
  end() {
    const all = Buffer.concat(this.#parts);
    return Buffer.concat([all, Buffer.alloc(-all.length & (alignment - 1))]);
  }
}

function tensorsOf(s) {
  const width = s.heads * s.headSize;
  const kvWidth = s.kvHeads * s.headSize;
  const tensors = [
    ["token_embd.weight", [s.hidden, s.vocab], "q4"],
    ["output_norm.weight", [s.hidden], "f32"],
  ];
  if (!s.tied) tensors.push(["output.weight", [s.hidden, s.vocab], "q4"]);
  for (let i = 0; i < s.layers; i++) {
    const matrix = (name, columns, rows) =>
      tensors.push([`blk.${i}.${name}.weight`, [columns, rows], "q4"]);
    tensors.push(
      [`blk.${i}.attn_norm.weight`, [s.hidden], "f32"],
      [`blk.${i}.ffn_norm.weight`, [s.hidden], "f32"],
    );
    matrix("attn_q", s.hidden, width);
    matrix("attn_k", s.hidden, kvWidth);
    matrix("attn_v", s.hidden, kvWidth);
    matrix("attn_output", width, s.hidden);
    matrix("ffn_gate", s.hidden, s.ffn);
    matrix("ffn_up", s.hidden, s.ffn);
    matrix("ffn_down", s.ffn, s.hidden);
  }
  return tensors;
}

/** Bytes of a tensor: a block of Q4_0 has 32 weights in 18 bytes. */
const sizeOf = ([, dims, type]) =>
  dims.reduce((product, dim) => product * dim, 1) * (type === "f32" ? 4 : 18 / 32);

/** Random blocks whose scales are those of a real model's: a half between 0.0017 and 0.0034. */
function randomBlocks(count) {
  const blocks = Buffer.alloc(count * 18);
  let state = 1;
  for (let i = 0; i < blocks.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' constants
    blocks[i] = state >>> 24;
  }
  for (let block = 0; block < count; block++) blocks[block * 18 + 1] = 0x17 + (block & 3);
  return blocks;
}

/** Writes the file. `name` is a key of `shapes`. */
export function writeRandomGguf(name, path) {
  const s = shapes[name];
  if (!s) throw new Error(`There is no shape "${name}", but ${Object.keys(shapes).join(", ")}.`);
  const tensors = tensorsOf(s);
  // A vocabulary that every tokenizer of the kind takes: control tokens, bytes, then words.
  const tokens = ["<unk>", "<s>", "</s>"];
  for (let byte = 0; byte < 256; byte++)
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  while (tokens.length < s.vocab) tokens.push(`\u2581t${tokens.length - 259}`);
  const kinds = tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1));

  const head = new Bytes();
  head.u32(0x46554747); // "GGUF"
  head.u32(3);
  head.u64(tensors.length);
  head.u64(19);
  head.entry("general.architecture", "string", "llama");
  head.entry("general.name", "string", name);
  head.entry("general.file_type", "u32", 2);
  head.entry("llama.block_count", "u32", s.layers);
  head.entry("llama.context_length", "u32", 32768);
  head.entry("llama.embedding_length", "u32", s.hidden);
  head.entry("llama.feed_forward_length", "u32", s.ffn);
  head.entry("llama.attention.head_count", "u32", s.heads);
  head.entry("llama.attention.head_count_kv", "u32", s.kvHeads);
  head.entry("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5);
  head.entry("llama.rope.freq_base", "f32", 500000);
  head.entry("llama.rope.dimension_count", "u32", s.headSize);
  head.entry("llama.vocab_size", "u32", s.vocab);
  head.entry("tokenizer.ggml.model", "string", "llama");
  head.entry("tokenizer.ggml.bos_token_id", "u32", 1);
  head.entry("tokenizer.ggml.eos_token_id", "u32", 2);
  head.list("tokenizer.ggml.tokens", "string", tokens);
  head.list(
    "tokenizer.ggml.scores",
    "f32",
    tokens.map((_, i) => -i),
  );
  head.list("tokenizer.ggml.token_type", "i32", kinds);
  let offset = 0;
  for (const tensor of tensors) {
    const [tensorName, dims, type] = tensor;
    head.string(tensorName);
    head.u32(dims.length);
    for (const dim of dims) head.u64(dim);
    head.u32(tensorTypes[type]);
    head.u64(offset);
    offset += Math.ceil(sizeOf(tensor) / alignment) * alignment;
  }

  const file = openSync(path, "w");
  try {
    writeSync(file, head.end());
    const pool = randomBlocks(1 << 18);
    for (const tensor of tensors) {
      const size = sizeOf(tensor);
      if (tensor[2] === "f32") {
        writeSync(file, Buffer.from(new Float32Array(size / 4).fill(1).buffer));
      } else {
        for (let left = size; left > 0; left -= pool.length) {
          writeSync(file, pool.subarray(0, Math.min(left, pool.length)));
        }
      }
      writeSync(file, Buffer.alloc(-size & (alignment - 1)));
    }
  } finally {
    closeSync(file);
  }
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { positionals } = parseArgs({ allowPositionals: true });
  if (positionals.length !== 2) {
    console.error("Usage: node bench/lib/random-gguf.mjs SHAPE FILE");
    process.exit(1);
  }
  writeRandomGguf(...positionals);
}
