// The goldens whose families exist: what every executor has to pass.

export const decoders = [
  "llama",
  "llama-tied-rope-llama3",
  "llama-head-dim-bias",
  "mistral-sliding",
  "qwen2",
  "qwen2-yarn",
  "qwen3",
  "phi3",
  "phi3-longrope",
  "phi3-partial-rotary",
  "smollm3",
  "granite",
  "olmo2",
  "gemma",
  "gemma2",
  "gemma3",
  "stablelm",
];
