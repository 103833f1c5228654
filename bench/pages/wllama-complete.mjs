// wllama's greedy continuation and its clock, the same on the CPU and on the GPU.

/** Greedy continuation of `text` by `count` tokens; see lib/peer.mjs. */
export async function complete(engine, text, count) {
  const began = performance.now();
  let first = 0;
  let last = 0;
  let usage;
  await engine.createCompletion({
    prompt: text, // it takes no ids
    max_tokens: count,
    // Greedy by a chain of one sampler, so that no time goes into sorting what is not used.
    temperature: 0,
    top_k: 1,
    samplers: ["top_k"],
    ignore_eos: true,
    cache_prompt: false,
    stream: true,
    stream_options: { include_usage: true },
    onData(chunk) {
      if (chunk.choices?.[0]?.text) {
        last = performance.now();
        first ||= last;
      }
      if (chunk.usage) usage = chunk.usage;
    },
  });
  return {
    promptTokens: usage.prompt_tokens,
    tokens: usage.completion_tokens,
    firstSeconds: (first - began) / 1000,
    lastSeconds: (last - began) / 1000,
  };
}
