// What differs from step to step; the first part of every kernel's prelude.

struct Step {
  position: u32,  // of the step's first token
  tokens: u32,    // processed in this step
  outputs: u32,   // rows of logits: of the last tokens
  draw: u32,      // how many tokens were sampled before: the counter of the random numbers
  history: u32,   // ids known before this step's: where the sampled id goes in the history
}

@group(0) @binding(0) var<uniform> step: Step;

// 0: a row a token; 1: a row an output.
override ROWS_KIND: u32 = 0;

fn rows() -> u32 {
  return select(step.tokens, step.outputs, ROWS_KIND == 1u);
}
