// Messages about sessions: generating, scoring, logits; messages.h says how they work.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "abi/codec.h"

namespace hearth::abi {

struct SessionOpen {
  using Self = SessionOpen;
  static constexpr std::string_view kName = "SessionOpen";
  std::uint32_t model = 0;
  std::uint32_t tokenizer = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(model, "Handle of a ready model."),
                      HEARTH_FIELD(tokenizer, "Handle of its tokenizer, or 0 for ids only.")};
  }
};

struct SessionHandle {
  using Self = SessionHandle;
  static constexpr std::string_view kName = "SessionHandle";
  std::uint32_t session = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(session, "Handle from session_open.")};
  }
};

struct LogitBias {
  using Self = LogitBias;
  static constexpr std::string_view kName = "LogitBias";
  std::uint32_t id = 0;
  float bias = 0;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(id, "Token id."), HEARTH_FIELD(bias, "Added to its logit.")};
  }
};

struct SamplingParams {
  using Self = SamplingParams;
  static constexpr std::string_view kName = "SamplingParams";
  float temperature = 1;
  std::uint32_t top_k = 0;
  float top_p = 1;
  float min_p = 0;
  float repetition_penalty = 1;
  float frequency_penalty = 0;
  float presence_penalty = 0;
  std::uint32_t penalty_window = 0;
  std::uint64_t seed = 0;
  std::vector<LogitBias> logit_bias;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(temperature, "Divides the logits; 0 takes the likeliest token always."),
        HEARTH_FIELD(top_k, "Keep the k likeliest tokens; 0 keeps all."),
        HEARTH_FIELD(
            top_p, "Keep the likeliest tokens that together reach this probability; 1 keeps all."),
        HEARTH_FIELD(min_p,
                     "Keep tokens at least this fraction as likely as the likeliest; 0 keeps all."),
        HEARTH_FIELD(repetition_penalty,
                     "Divides positive and multiplies negative logits of tokens seen; 1 is off."),
        HEARTH_FIELD(frequency_penalty,
                     "Subtracted from a token's logit for each time it was generated; 0 is off."),
        HEARTH_FIELD(presence_penalty,
                     "Subtracted once from the logit of every token generated; 0 is off."),
        HEARTH_FIELD(penalty_window, "How many last tokens the penalties look at; 0 for all."),
        HEARTH_FIELD(seed, "Same seed, same prompt, same settings: same text."),
        HEARTH_FIELD(logit_bias, "Additions to single logits, before everything else.")};
  }
};

struct SessionGenerate {
  using Self = SessionGenerate;
  static constexpr std::string_view kName = "SessionGenerate";
  std::uint32_t session = 0;
  std::string prompt;
  std::vector<std::uint32_t> prompt_ids;
  std::uint32_t max_tokens = 0;
  std::vector<std::string> stop;
  std::vector<std::uint32_t> stop_ids;
  SamplingParams sampling;
  std::int32_t logprobs = -1;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(session, "Handle from session_open."),
        HEARTH_FIELD(prompt,
                     "Text of the prompt, special tokens parsed; empty when prompt_ids is not."),
        HEARTH_FIELD(prompt_ids, "Ids of the prompt, when it is not text."),
        HEARTH_FIELD(max_tokens, "Tokens to generate at most; 0 for as many as the context holds."),
        HEARTH_FIELD(stop, "Texts that end the generation; they are not part of the output."),
        HEARTH_FIELD(stop_ids, "Tokens that end the generation, beside the tokenizer's own."),
        HEARTH_FIELD(sampling, "How tokens are chosen."),
        HEARTH_FIELD(logprobs,
                     "How many likeliest alternatives to report a token; -1 for no "
                     "log-probabilities at all.")};
  }
};

struct GenerationStarted {
  using Self = GenerationStarted;
  static constexpr std::string_view kName = "GenerationStarted";
  std::uint32_t prompt_tokens = 0;
  std::uint32_t cached_tokens = 0;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(prompt_tokens, "Tokens of the prompt."),
        HEARTH_FIELD(cached_tokens,
                     "How many of them the session still had the keys and values of.")};
  }
};

struct TokenLogprob {
  using Self = TokenLogprob;
  static constexpr std::string_view kName = "TokenLogprob";
  std::uint32_t id = 0;
  float logprob = 0;
  ByteView bytes;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(id, "Token id."),
        HEARTH_FIELD(logprob, "Natural logarithm of its probability, before sampling's filters."),
        HEARTH_FIELD(bytes, "Its bytes, which may be part of a character.")};
  }
};

struct GeneratedToken {
  using Self = GeneratedToken;
  static constexpr std::string_view kName = "GeneratedToken";
  TokenLogprob token;
  std::vector<TokenLogprob> top;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(token, "The token chosen."),
                      HEARTH_FIELD(top, "The likeliest tokens, likeliest first.")};
  }
};

struct StepResult {
  using Self = StepResult;
  static constexpr std::string_view kName = "StepResult";
  std::string phase;
  std::uint32_t prompt_done = 0;
  std::vector<std::uint32_t> ids;
  std::string text;
  std::vector<GeneratedToken> logprobs;
  std::string finish_reason;
  static constexpr auto fields() {
    return std::tuple{
        HEARTH_FIELD(phase, "\"prefill\", \"decode\" or \"done\"."),
        HEARTH_FIELD(prompt_done, "Prompt tokens processed so far, cached ones included."),
        HEARTH_FIELD(ids, "Tokens generated in this step, the stop token included."),
        HEARTH_FIELD(text,
                     "Text that is now certain: whole characters that no stop string can claim."),
        HEARTH_FIELD(logprobs, "One entry for each of `ids`, when asked for."),
        HEARTH_FIELD(finish_reason, "\"\" while running; then \"stop\", \"length\" or \"abort\".")};
  }
};

struct SessionForward {
  using Self = SessionForward;
  static constexpr std::string_view kName = "SessionForward";
  std::uint32_t session = 0;
  std::vector<std::uint32_t> ids;
  bool reset = true;
  bool all = false;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(session, "Handle from session_open."),
                      HEARTH_FIELD(ids, "Token ids to append."),
                      HEARTH_FIELD(reset, "Forget what the session holds first."),
                      HEARTH_FIELD(all, "Return logits for every id, not for the last only.")};
  }
};

struct Logits {
  using Self = Logits;
  static constexpr std::string_view kName = "Logits";
  std::uint32_t rows = 0;
  std::uint32_t vocab_size = 0;
  ByteView logits;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(rows, "Number of rows."),
                      HEARTH_FIELD(vocab_size, "Logits in a row."),
                      HEARTH_FIELD(logits, "float32, (rows, vocab_size).")};
  }
};

struct SessionScore {
  using Self = SessionScore;
  static constexpr std::string_view kName = "SessionScore";
  std::uint32_t session = 0;
  std::vector<std::uint32_t> ids;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(session, "Handle from session_open; what it held is forgotten."),
                      HEARTH_FIELD(ids, "Token ids, at least two.")};
  }
};

struct Scores {
  using Self = Scores;
  static constexpr std::string_view kName = "Scores";
  std::vector<float> logprobs;
  static constexpr auto fields() {
    return std::tuple{HEARTH_FIELD(
        logprobs, "Natural log-probability of each id but the first, given those before.")};
  }
};

}  // namespace hearth::abi
