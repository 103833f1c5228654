// Sessions of the engine.

#include "abi/engine.h"

namespace hearth::abi {
namespace {

std::string_view phase_name(runtime::Phase phase) {
  switch (phase) {
    case runtime::Phase::kPrefill:
      return "prefill";
    case runtime::Phase::kDecode:
      return "decode";
    case runtime::Phase::kDone:
      return "done";
  }
  return "";
}

std::string_view reason_name(runtime::FinishReason reason) {
  switch (reason) {
    case runtime::FinishReason::kNone:
      return "";
    case runtime::FinishReason::kStop:
      return "stop";
    case runtime::FinishReason::kLength:
      return "length";
    case runtime::FinishReason::kAbort:
      return "abort";
  }
  return "";
}

// One answer's logits are held twice on their way out, and their length is 32 bits wide. A thousand
// tokens of the largest vocabularies would take a gigabyte, and nobody asks for more in one piece.
constexpr std::uint64_t kLargestLogits = 256ull << 20;

sample::Settings settings_of(const SamplingParams& params) {
  sample::Settings settings{.temperature = params.temperature,
                            .top_k = params.top_k,
                            .top_p = params.top_p,
                            .min_p = params.min_p,
                            .repetition_penalty = params.repetition_penalty,
                            .frequency_penalty = params.frequency_penalty,
                            .presence_penalty = params.presence_penalty,
                            .penalty_window = params.penalty_window,
                            .seed = params.seed,
                            .logit_bias = {}};
  for (const LogitBias& bias : params.logit_bias) {
    settings.logit_bias.emplace_back(bias.id, bias.bias);
  }
  return settings;
}

}  // namespace

Result<SessionHandle> Engine::session_open(const SessionOpen& request) {
  HEARTH_ASSIGN(auto model, models_.get(request.model, "model"));
  if (!model->ready()) {
    return fail(ErrorCode::kInvalidHandle, "The model has not been loaded.", "model");
  }
  std::shared_ptr<const Tokenizer> tokenizer;
  if (request.tokenizer != 0) {
    HEARTH_ASSIGN(tokenizer, tokenizers_.get(request.tokenizer, "tokenizer"));
  }
  HEARTH_ASSIGN(std::shared_ptr<runtime::Session> session,
                runtime::Session::open(std::move(model), std::move(tokenizer)));
  return SessionHandle{.session = sessions_.add(std::move(session))};
}

Result<Empty> Engine::session_close(const SessionHandle& request) {
  HEARTH_TRY(sessions_.get(request.session, "session"));
  sessions_.remove(request.session);
  return Empty{};
}

Result<GenerationStarted> Engine::session_generate(const SessionGenerate& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  std::vector<TokenId> prompt = request.prompt_ids;
  if (prompt.empty() && !request.prompt.empty()) {
    if (session->tokenizer() == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "The session has no tokenizer; give ids.", "prompt");
    }
    HEARTH_ASSIGN(prompt, session->tokenizer()->encode(
                              request.prompt, {.add_special = false, .parse_special = true}));
  }
  const auto prompt_tokens = static_cast<std::uint32_t>(prompt.size());
  HEARTH_ASSIGN(std::uint32_t cached,
                session->generate(std::move(prompt), {.max_tokens = request.max_tokens,
                                                      .stop = request.stop,
                                                      .stop_ids = request.stop_ids,
                                                      .sampling = settings_of(request.sampling),
                                                      .logprobs = request.logprobs}));
  return GenerationStarted{.prompt_tokens = prompt_tokens, .cached_tokens = cached};
}

Result<StepResult> Engine::session_step(const SessionHandle& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  HEARTH_ASSIGN(runtime::StepOutcome outcome, session->step(pool_));
  return step_result(*session, std::move(outcome));
}

StepResult Engine::step_result(const runtime::Session& session, runtime::StepOutcome outcome) {
  StepResult result{.phase = std::string(phase_name(outcome.phase)),
                    .prompt_done = outcome.prompt_done,
                    .ids = std::move(outcome.ids),
                    .text = std::move(outcome.text),
                    .logprobs = {},
                    .finish_reason = std::string(reason_name(outcome.finish_reason))};
  const auto entry = [&](TokenId id, float logprob) {
    const std::string_view bytes =
        session.tokenizer() != nullptr ? session.tokenizer()->token_bytes(id) : "";
    return TokenLogprob{.id = id, .logprob = logprob, .bytes = as_bytes(bytes)};
  };
  for (const runtime::SampledToken& token : outcome.logprobs) {
    GeneratedToken generated{.token = entry(token.id, token.logprob), .top = {}};
    for (const sample::Candidate& other : token.top) {
      generated.top.push_back(entry(other.id, other.logprob));
    }
    result.logprobs.push_back(std::move(generated));
  }
  return result;
}

Result<Empty> Engine::session_abort(const SessionHandle& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  session->abort();
  return Empty{};
}

Result<Logits> Engine::session_forward(const SessionForward& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  const auto vocab = static_cast<std::uint32_t>(session->model().facts().vocab_size);
  const std::uint64_t rows = request.all ? request.ids.size() : 1;
  if (rows * vocab * sizeof(float) > kLargestLogits) {
    return fail(ErrorCode::kInvalidArgument,
                cat("Logits of ", rows, " tokens take more than ", kLargestLogits >> 20,
                    " MB; ask for fewer at a time, with reset off after the first."),
                "ids");
  }
  logits_.clear();
  HEARTH_TRY(session->forward(request.ids, request.reset, request.all, pool_,
                              [&](std::size_t, std::span<const float> row) {
                                logits_.insert(logits_.end(), row.begin(), row.end());
                              }));
  return Logits{.rows = static_cast<std::uint32_t>(logits_.size() / vocab),
                .vocab_size = vocab,
                .logits = {reinterpret_cast<const std::uint8_t*>(logits_.data()),
                           logits_.size() * sizeof(float)}};
}

Result<Scores> Engine::session_score(const SessionScore& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  if (request.ids.size() < 2) {
    return fail(ErrorCode::kEmptyPrompt, "Scoring takes at least two tokens.", "ids");
  }
  Scores scores;
  HEARTH_TRY(session->forward(
      request.ids, true, true, pool_, [&](std::size_t row, std::span<const float> logits) {
        if (row + 1 >= request.ids.size()) return;
        scores.logprobs.push_back(sample::logprob(logits, request.ids[row + 1]));
      }));
  return scores;
}

}  // namespace hearth::abi
