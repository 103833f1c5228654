// Files that are no model that can run, each for one reason, with the error that must say so.

import {
  alphabet,
  alphabetParts,
  alphabetWith,
  type GgufParts,
  setValue,
  tensorOf,
  writeGguf,
} from "./gguf.js";

export interface BadModel {
  what: string;
  code: string;
  /** The offending name; that of the file when left out. */
  subject?: string;
  bytes: () => Uint8Array<ArrayBuffer>;
}

const changed = (change: (parts: GgufParts) => void) => () => alphabetWith(change);

/** Where the alphabet's data starts. */
const dataAt = () => writeGguf(alphabetParts()).dataAt;

/** The first metadata key's length, behind magic, version and two counts. */
const firstLengthAt = 24;

function withFirstLength(length: bigint): Uint8Array<ArrayBuffer> {
  const bytes = alphabet();
  new DataView(bytes.buffer).setBigUint64(firstLengthAt, length, true);
  return bytes;
}

export const badModels: BadModel[] = [
  {
    what: "wrong magic",
    code: "bad_magic",
    bytes: changed((parts) => {
      parts.magic = "GGML";
    }),
  },
  {
    what: "a header that is cut",
    code: "truncated_header",
    subject: "tokenizer.ggml.tokens",
    bytes: () => alphabet().slice(0, 1500),
  },
  {
    what: "data that is cut",
    code: "truncated_data",
    subject: "output.weight",
    bytes: () => alphabet().slice(0, -100),
  },
  {
    what: "a file that ends with its header",
    code: "truncated_data",
    subject: "token_embd.weight",
    bytes: () => alphabet().slice(0, dataAt()),
  },
  {
    what: "a tensor past the end",
    code: "tensor_out_of_bounds",
    subject: "output_norm.weight",
    bytes: changed((parts) => {
      tensorOf(parts, "output_norm.weight").offset = 1n << 40n;
    }),
  },
  {
    what: "a header that claims 2^60 tensors",
    code: "count_too_large",
    subject: "tensor count",
    bytes: changed((parts) => {
      parts.tensorCount = 1n << 60n;
    }),
  },
  {
    what: "a string of 2^63 bytes",
    code: "count_too_large",
    subject: "metadata key 0",
    bytes: () => withFirstLength(1n << 63n),
  },
  {
    what: "an unknown quantization",
    code: "unsupported_dtype",
    subject: "blk.0.attn_q.weight",
    bytes: changed((parts) => {
      tensorOf(parts, "blk.0.attn_q.weight").type = 99;
    }),
  },
  {
    what: "an unknown architecture",
    code: "unsupported_architecture",
    subject: "perceptron",
    bytes: changed((parts) => setValue(parts, "general.architecture", { string: "perceptron" })),
  },
  {
    what: "a missing tensor",
    code: "missing_tensor",
    subject: "blk.0.attn_k.weight",
    bytes: changed((parts) => {
      parts.tensors = parts.tensors.filter(({ name }) => name !== "blk.0.attn_k.weight");
    }),
  },
];

/**
 * The first bytes of a model of 6 GiB: a feed-forward layer of eight million channels, three matrices
 * of 2 GiB. `size` is what the whole file would have.
 */
export function hugeModel(): { head: Uint8Array<ArrayBuffer>; size: number } {
  const channels = 1 << 23;
  const parts = alphabetParts();
  setValue(parts, "llama.feed_forward_length", { u32: channels });
  for (const tensor of parts.tensors) delete tensor.values;
  const gate = tensorOf(parts, "blk.0.ffn_gate.weight");
  const up = tensorOf(parts, "blk.0.ffn_up.weight");
  const down = tensorOf(parts, "blk.0.ffn_down.weight");
  const [hidden = 0] = gate.shape;
  gate.shape = [hidden, channels];
  up.shape = [hidden, channels];
  down.shape = [channels, hidden];
  const { file } = writeGguf(parts);
  // Room for the other tensors, of some 200 KB, and a little more.
  return { head: file, size: file.length + 3 * channels * Number(hidden) * 4 + (1 << 20) };
}
