// A Llama's shape as Transformers.js takes it: a folder with an ONNX graph of the operators that ONNX
// Runtime's own exporter writes (MatMulNBits, GroupQueryAttention with rotary embedding inside,
// SkipSimplifiedLayerNormalization), weights random at 4 bits in blocks of 32. What it writes means
// nothing, at the speed of the real one.
// Operators: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OnnxGraph } from "./onnx-writer.mjs";
import { shapes } from "./random-gguf.mjs";

const microsoft = "com.microsoft";
const block = 32;
/** Positions in the tables of the rotary embedding: more than the bench asks for. */
const positions = 4096;

/** The bits of a half of a number from 2^-14 to 65504. */
function half(value) {
  const float = new Float32Array([value]);
  const [bits] = new Uint32Array(float.buffer);
  if (value === 0) return 0;
  return (
    ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 0xff) - 112) << 10) | ((bits >>> 13) & 0x3ff)
  );
}

function floats(type, values) {
  const numbers = Float32Array.from(values);
  if (type === "f32") return Buffer.from(numbers.buffer);
  return Buffer.from(
    Uint16Array.from(numbers, (v) => (Math.abs(v) < 2 ** -14 ? 0 : half(v))).buffer,
  );
}

function randomBytes(count) {
  const bytes = Buffer.alloc(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' constants
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/**
 * Writes the folder.
 *
 * @param {string} name a key of `shapes`
 * @param {string} folder
 * @param {"f16" | "f32"} type of activations and scales: "f16" makes what the model pages call q4f16
 */
export function writeRandomOnnx(name, folder, type) {
  const s = shapes[name];
  if (!s) throw new Error(`There is no shape "${name}", but ${Object.keys(shapes).join(", ")}.`);
  mkdirSync(join(folder, "onnx"), { recursive: true });
  const dtype = type === "f16" ? "q4f16" : "q4";
  const graph = new OnnxGraph(join(folder, "onnx", `model_${dtype}.onnx`));
  const codes = randomBytes(1 << 22);
  // As large as real ones: a weight is up to 8 of these.
  const scales = floats(
    type,
    Array.from({ length: 1 << 16 }, (_, i) => 0.0017 + (i % 7) * 0.0002),
  );
  const ones = floats(type, new Array(s.hidden).fill(1));
  const table = floats(
    type,
    Array.from({ length: 1 << 16 }, (_, i) => ((i * 37) % 101) / 101 - 0.5),
  );
  const width = s.heads * s.headSize;
  const kvWidth = s.kvHeads * s.headSize;

  const matrix = (x, tensor, rows, columns) =>
    graph.node(
      "MatMulNBits",
      [
        x,
        graph.weight(`${tensor}.codes`, "u8", [rows, columns / block, block / 2], codes),
        graph.weight(`${tensor}.scales`, type, [rows * (columns / block)], scales),
      ],
      [tensor],
      {
        K: BigInt(columns),
        N: BigInt(rows),
        bits: 4n,
        block_size: BigInt(block),
        accuracy_level: 4n,
      },
      microsoft,
    );
  const gamma = (tensor) => graph.weight(`${tensor}.weight`, type, [s.hidden], ones);

  const ids = graph.input("input_ids", "i64", ["batch_size", "sequence_length"]);
  const mask = graph.input("attention_mask", "i64", ["batch_size", "total_sequence_length"]);
  const one = graph.constant("one", "i64", [1], Buffer.from(BigInt64Array.of(1n).buffer));
  const axis = graph.constant("axis", "i64", [], Buffer.from(BigInt64Array.of(1n).buffer));
  graph.node("ReduceSum", [mask, one], ["seen"], { keepdims: 0n });
  graph.node("Sub", ["seen", one], ["seen_before"]);
  const lengths = graph.node("Cast", ["seen_before"], ["seqlens_k"], { to: 6n });
  graph.node("Shape", [mask], ["mask_shape"]);
  graph.node("Gather", ["mask_shape", axis], ["mask_length"]);
  const total = graph.node("Cast", ["mask_length"], ["total_length"], { to: 6n });
  const turns = (of) => {
    const half = s.headSize / 2;
    const angles = Array.from({ length: positions * half }, (_, i) =>
      of(Math.floor(i / half) * 500000 ** (-(i % half) / half)),
    );
    return floats(type, angles);
  };
  const cos = graph.weight("cos_cache", type, [positions, s.headSize / 2], turns(Math.cos));
  const sin = graph.weight("sin_cache", type, [positions, s.headSize / 2], turns(Math.sin));

  const embedding = graph.weight("embed.weight", type, [s.vocab, s.hidden], table);
  let x = graph.node("Gather", [embedding, ids], ["embedded"], { axis: 0n });
  let normed = graph.node("SimplifiedLayerNormalization", [x, gamma("norm.0")], ["normed.0"], {
    axis: -1n,
    epsilon: 1e-5,
    stash_type: 1n,
  });
  /** Adds y to the stream and norms the sum. */
  const addAndNorm = (y, tensor) => {
    const outputs = [`${tensor}.out`, "", "", `${tensor}.sum`];
    normed = graph.node(
      "SkipSimplifiedLayerNormalization",
      [x, y, gamma(tensor)],
      outputs,
      { epsilon: 1e-5 },
      microsoft,
    );
    x = outputs[3];
  };
  for (let i = 0; i < s.layers; i++) {
    const at = `layers.${i}.`;
    const cache = ["batch_size", s.kvHeads, "past_sequence_length", s.headSize];
    const pastKey = graph.input(`past_key_values.${i}.key`, type, cache);
    const pastValue = graph.input(`past_key_values.${i}.value`, type, cache);
    const q = matrix(normed, `${at}q`, width, s.hidden);
    const k = matrix(normed, `${at}k`, kvWidth, s.hidden);
    const v = matrix(normed, `${at}v`, kvWidth, s.hidden);
    const present = [`present.${i}.key`, `present.${i}.value`];
    const mixed = graph.node(
      "GroupQueryAttention",
      [q, k, v, pastKey, pastValue, lengths, total, cos, sin],
      [`${at}attention`, ...present],
      {
        num_heads: BigInt(s.heads),
        kv_num_heads: BigInt(s.kvHeads),
        scale: s.headSize ** -0.5,
        do_rotary: 1n,
        rotary_interleaved: 0n,
        local_window_size: -1n,
      },
      microsoft,
    );
    for (const each of present)
      graph.output(each, type, ["batch_size", s.kvHeads, "total_sequence_length", s.headSize]);
    addAndNorm(matrix(mixed, `${at}o`, s.hidden, width), `${at}ffn_norm`);
    const gate = matrix(normed, `${at}gate`, s.ffn, s.hidden);
    const up = matrix(normed, `${at}up`, s.ffn, s.hidden);
    graph.node("Sigmoid", [gate], [`${at}sigmoid`]);
    graph.node("Mul", [gate, `${at}sigmoid`], [`${at}silu`]);
    graph.node("Mul", [`${at}silu`, up], [`${at}glu`]);
    addAndNorm(matrix(`${at}glu`, `${at}down`, s.hidden, s.ffn), `norm.${i + 1}`);
  }
  graph.node("Identity", [matrix(normed, "head", s.vocab, s.hidden)], ["logits"]);
  graph.output("logits", type, ["batch_size", "sequence_length", s.vocab]);
  graph.end();

  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: s.hidden,
    intermediate_size: s.ffn,
    num_hidden_layers: s.layers,
    num_attention_heads: s.heads,
    num_key_value_heads: s.kvHeads,
    head_dim: s.headSize,
    vocab_size: s.vocab,
    max_position_embeddings: positions,
    bos_token_id: 1,
    eos_token_id: 2,
    "transformers.js_config": {
      use_external_data_format: true,
      kv_cache_dtype: { q4f16: "float16" },
    },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return dtype;
}
