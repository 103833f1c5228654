// Writes ONNX graphs whose weights lie in a file beside them: as much of the format as the bench needs.
// Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, in Protocol Buffers' encoding.

import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { basename } from "node:path";

/** Element types, as `TensorProto.DataType` numbers them. */
export const elements = { f32: 1, u8: 2, i32: 6, i64: 7, f16: 10 };
const widths = { f32: 4, u8: 1, i32: 4, i64: 8, f16: 2 };

/** A message: fields appended in order. */
class Message {
  #parts = [];
  #varint(value) {
    const bytes = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    do {
      const more = rest > 0x7fn;
      bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
      rest >>= 7n;
    } while (rest > 0n);
    this.#parts.push(Buffer.from(bytes));
  }
  int(field, value) {
    this.#varint(field << 3);
    this.#varint(value);
    return this;
  }
  float(field, value) {
    this.#varint((field << 3) | 5);
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#parts.push(bytes);
    return this;
  }
  bytes(field, value) {
    const bytes = value instanceof Message ? value.end() : Buffer.from(value);
    this.#varint((field << 3) | 2);
    this.#varint(bytes.length);
    this.#parts.push(bytes);
    return this;
  }
  end() {
    return Buffer.concat(this.#parts);
  }
}

function attribute(name, value) {
  const message = new Message().bytes(1, name);
  if (Array.isArray(value)) {
    for (const each of value) message.int(8, each);
    return message.int(20, 7); // INTS
  }
  if (typeof value === "bigint") return message.int(3, value).int(20, 2); // INT
  return message.float(2, value).int(20, 1); // FLOAT
}

function valueInfo(name, type, dims) {
  const shape = new Message();
  for (const dim of dims) {
    const one = new Message();
    if (typeof dim === "string") one.bytes(2, dim);
    else one.int(1, dim);
    shape.bytes(1, one);
  }
  const tensor = new Message().int(1, elements[type]).bytes(2, shape);
  return new Message().bytes(1, name).bytes(2, new Message().bytes(1, tensor));
}

/** A graph under construction. Names of values are the caller's. */
export class OnnxGraph {
  #graph = new Message();
  #data;
  #offset = 0;
  #dataName;

  /** @param {string} path of the graph; its weights go to `${path}_data` */
  constructor(path) {
    this.path = path;
    this.#dataName = `${basename(path)}_data`;
    this.#data = openSync(`${path}_data`, "w");
  }

  /** @param {Record<string, number | bigint | number[]>} attributes floats, integers as bigint, lists */
  node(op, inputs, outputs, attributes = {}, domain = "") {
    const node = new Message();
    for (const input of inputs) node.bytes(1, input);
    for (const output of outputs) node.bytes(2, output);
    node.bytes(3, outputs[0]).bytes(4, op);
    for (const [name, value] of Object.entries(attributes)) node.bytes(5, attribute(name, value));
    if (domain) node.bytes(7, domain);
    this.#graph.bytes(1, node);
    return outputs[0];
  }

  /** A weight whose bytes repeat `pool`. */
  weight(name, type, dims, pool) {
    const size = dims.reduce((product, dim) => product * dim, 1) * widths[type];
    const entry = (key, value) => new Message().bytes(1, key).bytes(2, String(value));
    const tensor = new Message();
    for (const dim of dims) tensor.int(1, dim);
    tensor.int(2, elements[type]).bytes(8, name);
    tensor.bytes(13, entry("location", this.#dataName));
    tensor.bytes(13, entry("offset", this.#offset)).bytes(13, entry("length", size));
    tensor.int(14, 1); // EXTERNAL
    this.#graph.bytes(5, tensor);
    for (let left = size; left > 0; left -= pool.length) {
      writeSync(this.#data, pool.subarray(0, Math.min(left, pool.length)));
    }
    this.#offset += size;
    return name;
  }

  /** A small constant, in the graph itself. */
  constant(name, type, dims, bytes) {
    const tensor = new Message();
    for (const dim of dims) tensor.int(1, dim);
    this.#graph.bytes(5, tensor.int(2, elements[type]).bytes(8, name).bytes(9, bytes));
    return name;
  }

  input(name, type, dims) {
    this.#graph.bytes(11, valueInfo(name, type, dims));
    return name;
  }

  output(name, type, dims) {
    this.#graph.bytes(12, valueInfo(name, type, dims));
  }

  /** Writes the graph. */
  end() {
    closeSync(this.#data);
    this.#graph.bytes(2, "main");
    const opset = (domain, version) => new Message().bytes(1, domain).int(2, version);
    const model = new Message()
      .int(1, 8) // the version of the format that has this version of the operators
      .bytes(7, this.#graph)
      .bytes(8, opset("", 17))
      .bytes(8, opset("com.microsoft", 1));
    writeFileSync(this.path, model.end());
  }
}
