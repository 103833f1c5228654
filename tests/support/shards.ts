// A safetensors checkpoint cut into shards, as large ones are published.

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Writes the model in `from` to the folder `to` in `count` shards with their index, and copies its
 * `config.json`. Returns the names of the files.
 */
export function writeShards(from: string, to: string, count: number): string[] {
  const bytes = readFileSync(join(from, "model.safetensors"));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header: Record<string, Entry> = JSON.parse(bytes.toString("utf8", 8, start));
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  const digits = (value: number) => String(value).padStart(5, "0");
  const weightMap: Record<string, string> = {};
  const files = ["config.json", "model.safetensors.index.json"];
  copyFileSync(join(from, "config.json"), join(to, "config.json"));
  for (let shard = 0; shard < count; shard++) {
    const file = `model-${digits(shard + 1)}-of-${digits(count)}.safetensors`;
    const own: Record<string, Entry> = {};
    const parts: Buffer[] = [];
    let at = 0;
    // Dealt like cards, so that every layer's tensors are in several files.
    for (const name of names.filter((_, i) => i % count === shard)) {
      const { data_offsets: range, ...entry } = header[name] as Entry;
      const part = bytes.subarray(start + range[0], start + range[1]);
      own[name] = { ...entry, data_offsets: [at, at + part.length] };
      weightMap[name] = file;
      parts.push(part);
      at += part.length;
    }
    let text = JSON.stringify(own);
    text += " ".repeat((8 - (text.length % 8)) % 8);
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(join(to, file), Buffer.concat([size, Buffer.from(text), ...parts]));
    files.push(file);
  }
  const index = { metadata: {}, weight_map: weightMap };
  writeFileSync(join(to, "model.safetensors.index.json"), JSON.stringify(index));
  return files;
}
