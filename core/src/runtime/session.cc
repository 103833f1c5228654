#include "runtime/session.h"

#include <algorithm>

#include "base/cat.h"

namespace hearth::runtime {

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<LoadedModel> model,
                                               std::shared_ptr<const Tokenizer> tokenizer) {
  std::unique_ptr<Session> session(new Session(std::move(model), std::move(tokenizer)));
  const graph::Plan& plan = session->model_->plan();
  if (session->model_->gpu() != nullptr) {
    // The states are buffers of the device, which hold one session's.
    if (session->model_->open_sessions > 0) {
      return fail(ErrorCode::kBusy, "A model on a GPU has one session at a time.", "session");
    }
    ++session->model_->open_sessions;
    session->counted_ = true;
    return session;
  }
  HEARTH_ASSIGN(session->states_,
                Buffer::allocate(session->model_->need().session, "keys and values"));
  std::uint8_t* next = session->states_.data();
  for (graph::ValueId id : session->model_->executor().state_values()) {
    session->state_pointers_.push_back(reinterpret_cast<float*>(next));
    const graph::Value& value = plan.graph.value(id);
    const std::uint64_t bytes =
        dtype_bytes(value.dtype, static_cast<std::uint64_t>(value.shape.elements()));
    next += (bytes + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment;
  }
  ++session->model_->open_sessions;
  session->counted_ = true;
  return session;
}

Session::~Session() {
  if (counted_) --model_->open_sessions;
}

Result<void> Session::on_cpu() const {
  if (model_->gpu() == nullptr) return {};
  return fail(ErrorCode::kInvalidArgument, "The model runs on a GPU: schedule and take.",
              "session");
}

Result<void> Session::check_ids(const std::vector<TokenId>& ids) const {
  const auto vocab = static_cast<std::uint64_t>(model_->facts().vocab_size);
  for (TokenId id : ids) {
    if (id >= vocab) {
      return fail(ErrorCode::kInvalidArgument,
                  cat("The token ", id, " is past the vocabulary of ", vocab, "."), "ids");
    }
  }
  return {};
}

Result<std::uint32_t> Session::generate(std::vector<TokenId> prompt,
                                        const GenerateOptions& options) {
  if (generation_) {
    return fail(ErrorCode::kBusy, "The session is generating; abort it or wait.", "session");
  }
  if (prompt.empty()) return fail(ErrorCode::kEmptyPrompt, "The prompt has no tokens.", "prompt");
  const auto capacity = static_cast<std::size_t>(model_->context_length());
  if (prompt.size() >= capacity) {
    return fail(ErrorCode::kContextOverflow,
                cat("The prompt has ", prompt.size(), " tokens, and the context holds ", capacity,
                    ", the answer included."),
                "prompt");
  }
  HEARTH_TRY(check_ids(prompt));
  HEARTH_TRY(check_ids(options.stop_ids));
  const auto vocab = static_cast<std::uint32_t>(model_->facts().vocab_size);
  if (options.logprobs > static_cast<std::int32_t>(vocab)) {
    return fail(ErrorCode::kInvalidArgument, "More logprobs were asked for than there are tokens.",
                "logprobs");
  }
  HEARTH_ASSIGN(sample::Sampler sampler, sample::Sampler::make(options.sampling, vocab));
  for (TokenId id : prompt) sampler.see_prompt(id);

  // At least one token is processed again, for its logits.
  const std::size_t reusable = std::min(held_.size(), prompt.size() - 1);
  std::size_t cached = 0;
  while (cached < reusable && held_[cached] == prompt[cached]) ++cached;
  held_.resize(cached);
  const std::size_t prompt_size = prompt.size();
  std::unique_ptr<TokenStream> decoder;
  if (tokenizer_ != nullptr) {
    const bool after_text =
        std::ranges::any_of(prompt, [&](TokenId id) { return !tokenizer_->is_special(id); });
    decoder = tokenizer_->stream({.skip_special = true, .after_text = after_text});
  }
  generation_.emplace(Generation{.ids = std::move(prompt),
                                 .prompt_size = prompt_size,
                                 .options = options,
                                 .sampler = std::move(sampler),
                                 .stops = StopMatcher(options.stop),
                                 .decoder = std::move(decoder)});
  start_on_device();
  return static_cast<std::uint32_t>(cached);
}

std::span<float> Session::run(std::span<const TokenId> ids, std::size_t outputs,
                              cpu::ThreadPool& pool) {
  std::vector<std::int32_t> rows;
  for (std::size_t i = ids.size() - outputs; i < ids.size(); ++i) {
    rows.push_back(static_cast<std::int32_t>(i));
  }
  const cpu::Step step{.ids = ids,
                       .position = static_cast<std::int64_t>(held_.size()),
                       .output_rows = rows,
                       .states = state_pointers_};
  const std::span<float> logits = model_->run(step, pool);
  held_.insert(held_.end(), ids.begin(), ids.end());
  return logits;
}

Result<StepOutcome> Session::step(cpu::ThreadPool& pool) {
  HEARTH_TRY(on_cpu());
  if (!generation_) {
    return fail(ErrorCode::kInvalidArgument, "Nothing is being generated.", "session");
  }
  Generation& generation = *generation_;
  StepOutcome outcome;
  const std::size_t prompt_size = generation.prompt_size;
  if (held_.size() < prompt_size) {
    const std::size_t count = std::min(static_cast<std::size_t>(model_->plan().limits.tokens),
                                       prompt_size - held_.size());
    const bool last = held_.size() + count == prompt_size;
    const std::span<float> logits =
        run({generation.ids.data() + held_.size(), count}, last ? 1 : 0, pool);
    outcome.phase = Phase::kPrefill;
    outcome.prompt_done = static_cast<std::uint32_t>(held_.size());
    if (!last) return outcome;
    HEARTH_TRY(take_token(logits, outcome));
    return outcome;
  }
  outcome.prompt_done = static_cast<std::uint32_t>(prompt_size);
  outcome.phase = Phase::kDecode;
  const TokenId next = generation.ids.back();
  HEARTH_TRY(take_token(run({&next, 1}, 1, pool), outcome));
  return outcome;
}

Result<void> Session::take_token(std::span<float> logits, StepOutcome& outcome) {
  Generation& generation = *generation_;
  std::vector<sample::Candidate> top;
  std::vector<float> raw;
  if (generation.options.logprobs >= 0) {
    // The sampler changes the logits, and log-probabilities are those of the model.
    raw.assign(logits.begin(), logits.end());
  }
  auto sampled = generation.sampler.sample(logits);
  if (!sampled) {
    generation_.reset();
    return std::unexpected(std::move(sampled).error());
  }
  const TokenId id = *sampled;
  if (!raw.empty()) {
    outcome.logprobs.push_back(
        {.id = id,
         .logprob = sample::logprob(raw, id),
         .top = sample::top_logprobs(raw, static_cast<std::size_t>(generation.options.logprobs))});
  }
  accept(id, outcome);
  return {};
}

void Session::accept(TokenId id, StepOutcome& outcome) {
  Generation& generation = *generation_;
  generation.ids.push_back(id);
  outcome.ids.push_back(id);
  const auto contains = [id](const std::vector<TokenId>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  if (contains(generation.options.stop_ids) ||
      (tokenizer_ != nullptr && contains(tokenizer_->stop_ids))) {
    finish(FinishReason::kStop, outcome);
    return;
  }
  if (tokenizer_ != nullptr) {
    std::string text;
    generation.decoder->push(id, text);
    if (generation.stops.push(text, outcome.text)) {
      // What the decoder holds comes after the stop string.
      outcome.phase = Phase::kDone;
      outcome.finish_reason = FinishReason::kStop;
      generation_.reset();
      return;
    }
  }
  const bool enough =
      generation.options.max_tokens != 0 && generation.generated() >= generation.options.max_tokens;
  const bool full = held_.size() >= static_cast<std::size_t>(model_->context_length());
  if (enough || full) finish(FinishReason::kLength, outcome);
}

void Session::finish(FinishReason reason, StepOutcome& outcome) {
  Generation& generation = *generation_;
  std::string rest;
  if (generation.decoder != nullptr) generation.decoder->finish(rest);
  if (generation.stops.push(rest, outcome.text)) {
    reason = FinishReason::kStop;
  } else {
    generation.stops.finish(outcome.text);
  }
  outcome.phase = Phase::kDone;
  outcome.finish_reason = reason;
  generation_.reset();
}

void Session::abort() {
  generation_.reset();
  device_.forward.reset();
}

Result<void> Session::begin_forward(const std::vector<TokenId>& ids, bool reset) {
  if (generation_ || device_.forward) {
    return fail(ErrorCode::kBusy, "The session is generating; abort it or wait.", "session");
  }
  if (ids.empty()) return fail(ErrorCode::kEmptyPrompt, "There are no tokens to process.", "ids");
  HEARTH_TRY(check_ids(ids));
  const std::size_t before = reset ? 0 : held_.size();
  if (before + ids.size() > static_cast<std::size_t>(model_->context_length())) {
    return fail(ErrorCode::kContextOverflow,
                cat(before + ids.size(), " tokens do not fit the context of ",
                    model_->context_length(), "."),
                "ids");
  }
  held_.resize(before);
  return {};
}

}  // namespace hearth::runtime
