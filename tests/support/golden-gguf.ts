// The goldens' models as GGUF files, as llama.cpp's converters would write them: other names, some
// rows in another order, some weights changed. What each family's converter does was read in
// llama.cpp's convert_hf_to_gguf.py and gguf-py/gguf/constants.py.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readSafetensors, type Tensor } from "../../packages/cli/src/safetensors.js";
import { type GgufTensor, type Value, writeGguf } from "./gguf.js";

interface RopeParameters {
  rope_type?: string;
  type?: string;
  rope_theta?: number;
  factor?: number;
  low_freq_factor?: number;
  high_freq_factor?: number;
  original_max_position_embeddings?: number;
  long_factor?: number[];
  short_factor?: number[];
  partial_rotary_factor?: number;
  full_attention?: RopeParameters;
}

/** What is read of config.json; GPT-2's names are brought into the others'. */
interface Config {
  model_type: string;
  num_hidden_layers: number;
  hidden_size: number;
  num_attention_heads: number;
  num_key_value_heads?: number;
  head_dim?: number;
  intermediate_size?: number;
  max_position_embeddings: number;
  vocab_size: number;
  rms_norm_eps?: number;
  layer_norm_eps?: number;
  rope_theta?: number;
  rope_scaling?: RopeParameters | null;
  rope_parameters?: RopeParameters;
  partial_rotary_factor?: number;
  sliding_window?: number | null;
  layer_types?: string[];
  query_pre_attn_scalar?: number;
  attn_logit_softcapping?: number | null;
  final_logit_softcapping?: number | null;
  embedding_multiplier?: number;
  attention_multiplier?: number;
  residual_multiplier?: number;
  logits_scaling?: number;
  use_parallel_residual?: boolean;
}

/**
 * GGUF's architecture by config.json's model_type, for those that GGUF can say. Mistral becomes a
 * llama, which has no windows; and SmolLM3 leaves out every fourth rotation, whatever the config says.
 */
const architectures: Record<string, string> = {
  llama: "llama",
  qwen2: "qwen2",
  qwen3: "qwen3",
  phi3: "phi3",
  granite: "granite",
  olmo2: "olmo2",
  gemma: "gemma",
  gemma2: "gemma2",
  gemma3_text: "gemma3",
  stablelm: "stablelm",
  gpt2: "gpt2",
  gpt_neox: "gptneox",
};

/** Converters of these bring the pairs that turn together side by side. */
const interleaved = new Set(["llama", "granite"]);
/** Norms of these are stored less one, and converters add it. */
const offsetNorms = new Set(["gemma", "gemma2", "gemma3"]);
/** In these the norm after the attention comes before the sum. */
const postNorms = new Set(["gemma2", "gemma3", "olmo2"]);

/** Parts of names, the first that fits; a layer's prefix is replaced before. */
const names: readonly (readonly [string, string])[] = [
  ["embed_tokens", "token_embd"],
  ["embed_in", "token_embd"],
  ["wte", "token_embd"],
  ["wpe", "position_embd"],
  ["lm_head", "output"],
  ["embed_out", "output"],
  ["final_layer_norm", "output_norm"],
  ["ln_f", "output_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.qkv_proj", "attn_qkv"],
  ["attention.query_key_value", "attn_qkv"],
  ["attn.c_attn", "attn_qkv"],
  ["self_attn.o_proj", "attn_output"],
  ["attention.dense", "attn_output"],
  ["attn.c_proj", "attn_output"],
  ["self_attn.q_norm", "attn_q_norm"],
  ["self_attn.k_norm", "attn_k_norm"],
  ["input_layernorm", "attn_norm"],
  ["ln_1", "attn_norm"],
  ["ln_2", "ffn_norm"],
  ["pre_feedforward_layernorm", "ffn_norm"],
  ["post_feedforward_layernorm", "post_ffw_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.gate_up_proj", "ffn_up"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.dense_h_to_4h", "ffn_up"],
  ["mlp.c_fc", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
  ["mlp.dense_4h_to_h", "ffn_down"],
  ["mlp.c_proj", "ffn_down"],
  ["norm", "output_norm"],
];

function ggufName(name: string, architecture: string): string {
  const parts =
    /^(?:(?:model|transformer|gpt_neox)\.)?(?:(?:layers|h)\.(\d+)\.)?(.+)\.(weight|bias)$/;
  const [, layer, part = "", kind] = parts.exec(name) ?? [];
  let found = names.find(([theirs]) => theirs === part)?.[1];
  if (part === "post_attention_layernorm") {
    found = postNorms.has(architecture) ? "post_attention_norm" : "ffn_norm";
  }
  if (found === undefined) throw new Error(`${name} has no name in GGUF.`);
  return `${layer === undefined ? "" : `blk.${layer}.`}${found}.${kind}`;
}

/** Rows of a matrix, or elements of a vector, in the order in which `from` names them. */
function reordered(tensor: Tensor, from: (row: number) => number): Float32Array {
  const [rows = 0] = tensor.shape;
  const width = tensor.data.length / rows;
  const out = new Float32Array(tensor.data.length);
  for (let row = 0; row < rows; row++) {
    const at = from(row) * width;
    out.set(tensor.data.subarray(at, at + width), row * width);
  }
  return out;
}

function transposed(tensor: Tensor): Tensor {
  const [rows = 0, columns = 0] = tensor.shape;
  const data = Float32Array.from(tensor.data, (_, i) => {
    return tensor.data[(i % rows) * columns + Math.floor(i / rows)] as number;
  });
  return { ...tensor, shape: [columns, rows], data };
}

/** What converters do to a tensor's values; `name` is GGUF's. */
function converted(tensor: Tensor, name: string, architecture: string, config: Config): Tensor {
  const heads = config.num_attention_heads;
  if (architecture === "gpt2" && /attn_qkv|attn_output|ffn_(up|down)/.test(name)) {
    return tensor.shape.length === 2 ? transposed(tensor) : tensor;
  }
  if (architecture === "gptneox" && name.includes("attn_qkv")) {
    // (head, which, row) → (which, head, row)
    const size = config.hidden_size / heads;
    const data = reordered(tensor, (row) => {
      const which = Math.floor(row / config.hidden_size);
      const head = Math.floor(row / size) % heads;
      return (head * 3 + which) * size + (row % size);
    });
    return { ...tensor, data };
  }
  if (interleaved.has(architecture) && /attn_[qk]\./.test(name)) {
    const own = name.includes("attn_q") ? heads : (config.num_key_value_heads ?? heads);
    const size = (tensor.shape[0] as number) / own;
    const data = reordered(tensor, (row) => {
      const [head, at] = [Math.floor(row / size), row % size];
      return head * size + (at % 2) * (size / 2) + Math.floor(at / 2);
    });
    return { ...tensor, data };
  }
  if (offsetNorms.has(architecture) && name.endsWith("norm.weight")) {
    return { ...tensor, data: Float32Array.from(tensor.data, (value) => value + 1) };
  }
  return tensor;
}

/** Llama 3.1's rule, worked out for each pair of `size` columns. */
function llama3Divisors(rope: RopeParameters, base: number, size: number): Float32Array {
  const { factor = 1, low_freq_factor: low = 1, high_freq_factor: high = 1 } = rope;
  const context = rope.original_max_position_embeddings ?? 1;
  return Float32Array.from({ length: size / 2 }, (_, i) => {
    const turns = (context * base ** ((-2 * i) / size)) / (2 * Math.PI);
    if (turns > high) return 1;
    if (turns < low) return factor;
    const smooth = (turns - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** The golden's config.json; undefined when no converter would take it. */
function readConfig(folder: string): Config | undefined {
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  if (!(config.model_type in architectures)) return undefined;
  // GGUF has formats of its own for packed matrices.
  if ("quantization_config" in config) return undefined;
  if (config.model_type !== "gpt2") return config;
  return {
    ...config,
    num_hidden_layers: config.n_layer,
    hidden_size: config.n_embd,
    num_attention_heads: config.n_head,
    max_position_embeddings: config.n_positions,
    intermediate_size: config.n_inner ?? 4 * config.n_embd,
    layer_norm_eps: config.layer_norm_epsilon,
  };
}

class Writer {
  readonly metadata: [string, Value][] = [];
  readonly tensors: GgufTensor[] = [];
  constructor(readonly architecture: string) {
    this.metadata.push(["general.architecture", { string: architecture }]);
  }
  u32(key: string, value: number | null | undefined): void {
    if (value != null) this.metadata.push([`${this.architecture}.${key}`, { u32: value }]);
  }
  f32(key: string, value: number | null | undefined): void {
    if (value != null) this.metadata.push([`${this.architecture}.${key}`, { f32: value }]);
  }
  string(key: string, string: string): void {
    this.metadata.push([`${this.architecture}.${key}`, { string }]);
  }
  tensor(name: string, shape: readonly number[], values: Float32Array): void {
    this.tensors.push({ name, shape: [...shape].reverse(), values });
  }
}

function writeRope(writer: Writer, config: Config): void {
  const own = config.rope_parameters?.full_attention ?? config.rope_parameters;
  const rope = own ?? config.rope_scaling ?? {};
  const base = rope.rope_theta ?? config.rope_theta ?? 10000;
  const head = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  const part = rope.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  const size = Math.floor(head * part);
  const original = rope.original_max_position_embeddings ?? config.max_position_embeddings;
  writer.u32("rope.dimension_count", size);
  writer.f32("rope.freq_base", base);
  // Phi-3's is written whether or not the rope is stretched.
  if (writer.architecture === "phi3") {
    writer.u32("rope.scaling.original_context_length", original);
  }
  switch (rope.rope_type ?? rope.type ?? "default") {
    case "default":
      return;
    case "llama3":
      writer.tensor("rope_freqs.weight", [size / 2], llama3Divisors(rope, base, size));
      return;
    case "yarn":
      writer.string("rope.scaling.type", "yarn");
      writer.f32("rope.scaling.factor", rope.factor);
      writer.u32("rope.scaling.original_context_length", original);
      return;
    case "longrope": {
      const stretch = config.max_position_embeddings / original;
      const scale = stretch > 1 ? Math.sqrt(1 + Math.log(stretch) / Math.log(original)) : 1;
      writer.f32("rope.scaling.attn_factor", scale);
      for (const [name, list] of [
        ["long", rope.long_factor],
        ["short", rope.short_factor],
      ] as const) {
        const values = Float32Array.from(list ?? []);
        writer.tensor(`rope_factors_${name}.weight`, [values.length], values);
      }
      return;
    }
    default:
      throw new Error(`No converter knows the rope of ${JSON.stringify(rope)}.`);
  }
}

function writeMetadata(writer: Writer, config: Config): void {
  const { architecture } = writer;
  writer.u32("block_count", config.num_hidden_layers);
  writer.u32("context_length", config.max_position_embeddings);
  writer.u32("embedding_length", config.hidden_size);
  writer.u32("feed_forward_length", config.intermediate_size);
  writer.u32("attention.head_count", config.num_attention_heads);
  writer.u32("attention.head_count_kv", config.num_key_value_heads);
  writer.u32("attention.key_length", config.head_dim);
  writer.u32("attention.value_length", config.head_dim);
  writer.f32("attention.layer_norm_rms_epsilon", config.rms_norm_eps);
  writer.f32("attention.layer_norm_epsilon", config.layer_norm_eps);
  if (config.use_parallel_residual !== undefined) {
    const value = { bool: config.use_parallel_residual };
    writer.metadata.push([`${architecture}.use_parallel_residual`, value]);
  }
  if (architecture !== "gpt2") writeRope(writer, config);
  if (/^(gemma[23]|phi3)$/.test(architecture)) {
    writer.u32("attention.sliding_window", config.sliding_window);
  }
  if (architecture === "gemma3" && config.layer_types !== undefined) {
    const period = config.layer_types.indexOf("full_attention") + 1;
    writer.u32("attention.sliding_window_pattern", period);
  }
  if (architecture.startsWith("gemma") && config.query_pre_attn_scalar !== undefined) {
    writer.f32("attention.scale", config.query_pre_attn_scalar ** -0.5);
  }
  writer.f32("attn_logit_softcapping", config.attn_logit_softcapping);
  writer.f32("final_logit_softcapping", config.final_logit_softcapping);
  writer.f32("attention.scale", config.attention_multiplier);
  writer.f32("embedding_scale", config.embedding_multiplier);
  writer.f32("residual_scale", config.residual_multiplier);
  writer.f32("logit_scale", config.logits_scaling);
}

/** A tokenizer that is never asked: an engine wants one of every GGUF file. */
function writeTokenizer(writer: Writer, size: number): void {
  const strings = Array.from({ length: size }, (_, id) => `<${id}>`);
  writer.metadata.push(
    ["tokenizer.ggml.model", { string: "gpt2" }],
    ["tokenizer.ggml.pre", { string: "gpt2" }],
    ["tokenizer.ggml.tokens", { strings }],
    ["tokenizer.ggml.token_type", { i32s: strings.map(() => 1) }],
    ["tokenizer.ggml.merges", { strings: [] }],
  );
}

/** The model of a golden's folder as a GGUF file; undefined when llama.cpp has no converter for it. */
export function goldenAsGguf(folder: string): Uint8Array<ArrayBuffer> | undefined {
  const config = readConfig(folder);
  if (config === undefined) return undefined;
  const architecture = architectures[config.model_type] as string;
  const writer = new Writer(architecture);
  writeMetadata(writer, config);
  writeTokenizer(writer, config.vocab_size);
  const file = "model.safetensors";
  for (const tensor of readSafetensors(readFileSync(join(folder, file)), file).values()) {
    const name = ggufName(tensor.name, architecture);
    const { shape, data } = converted(tensor, name, architecture, config);
    writer.tensor(name, shape, Float32Array.from(data));
  }
  const { metadata, tensors } = writer;
  return writeGguf({ magic: "GGUF", version: 3, metadata, tensors }).file;
}
