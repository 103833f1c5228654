// Hearth's greedy continuation and its clock, the same in the browser's page and in Node.

/** Greedy continuation of `ids` by `count` tokens on an engine; see lib/peer.mjs. */
export async function timedGenerate(engine, ids, count) {
  const began = performance.now();
  let first = 0;
  let last = 0;
  let usage;
  const chunks = await engine.completions.create({
    prompt: ids,
    max_tokens: count,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of chunks) {
    if (chunk.choices[0]?.text) {
      last = performance.now();
      first ||= last;
    }
    if (chunk.usage) usage = chunk.usage;
  }
  return {
    promptTokens: usage.prompt_tokens,
    tokens: usage.completion_tokens,
    firstSeconds: (first - began) / 1000,
    lastSeconds: (last - began) / 1000,
  };
}
