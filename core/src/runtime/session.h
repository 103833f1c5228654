// One conversation with a model: its keys and values, and the generation in progress. A session
// holds the tokens it has processed; a new prompt that starts with the same ones goes on from
// there.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cpu/thread_pool.h"
#include "gpu/program.h"
#include "runtime/buffer.h"
#include "runtime/loaded_model.h"
#include "runtime/stop_matcher.h"
#include "sample/sampler.h"
#include "text/tokenizer.h"

namespace hearth::runtime {

struct GenerateOptions {
  std::uint32_t max_tokens = 0;   ///< 0 for as many as the context holds
  std::vector<std::string> stop;  ///< texts that end the generation
  std::vector<TokenId> stop_ids;  ///< tokens that do, beside the tokenizer's
  sample::Settings sampling;
  std::int32_t logprobs = -1;  ///< alternatives to report a token; -1 for none
};

enum class Phase : std::uint8_t { kPrefill, kDecode, kDone };
enum class FinishReason : std::uint8_t { kNone, kStop, kLength, kAbort };

struct SampledToken {
  TokenId id = 0;
  float logprob = 0;
  std::vector<sample::Candidate> top;
};

struct StepOutcome {
  Phase phase = Phase::kDone;
  std::uint32_t prompt_done = 0;
  std::vector<TokenId> ids;
  std::string text;
  std::vector<SampledToken> logprobs;
  FinishReason finish_reason = FinishReason::kNone;
};

class Session {
 public:
  /// The model is ready; it and the tokenizer (may be null) outlive the session. Errors:
  /// out_of_memory.
  static Result<std::unique_ptr<Session>> open(std::shared_ptr<LoadedModel> model,
                                               std::shared_ptr<const Tokenizer> tokenizer);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Starts a generation; returns how many tokens of the prompt need no processing. Nothing changes
  /// on an error: busy, empty_prompt, context_overflow, invalid_argument.
  Result<std::uint32_t> generate(std::vector<TokenId> prompt, const GenerateOptions& options);

  /// Does one piece of work: a chunk of the prompt, or one token. Errors: invalid_argument when
  /// nothing is being generated, internal (the generation is then over).
  Result<StepOutcome> step(cpu::ThreadPool& pool);

  /// Ends the generation; what has been processed stays cached. Without one it does nothing.
  void abort();

  /// Processes ids after what the session holds (or from nothing with `reset`) and calls
  /// `take(row, logits)` for the last of them, or for each with `all`. Errors: busy, empty_prompt,
  /// context_overflow, invalid_argument (an id past the vocabulary).
  template <typename Take>
  Result<void> forward(const std::vector<TokenId>& ids, bool reset, bool all, cpu::ThreadPool& pool,
                       const Take& take) {
    HEARTH_TRY(on_cpu());
    HEARTH_TRY(begin_forward(ids, reset));
    const auto tokens = static_cast<std::size_t>(model_->plan().limits.tokens);
    const auto chunk = all ? static_cast<std::size_t>(model_->plan().limits.outputs) : tokens;
    for (std::size_t done = 0; done < ids.size();) {
      const std::size_t count = std::min(chunk, ids.size() - done);
      const bool last = done + count == ids.size();
      const std::size_t outputs = all ? count : (last ? 1 : 0);
      const std::span<float> logits = run({ids.data() + done, count}, outputs, pool);
      const std::size_t vocab = static_cast<std::size_t>(model_->facts().vocab_size);
      for (std::size_t row = 0; row < outputs; ++row) {
        take(all ? done + row : ids.size() - 1, logits.subspan(row * vocab, vocab));
      }
      done += count;
    }
    return {};
  }

  const Tokenizer* tokenizer() const { return tokenizer_.get(); }
  LoadedModel& model() { return *model_; }

  // --- models on a GPU (gpu_session.cc) ---------------------------------------------------------
  // The session decides what is computed and the host has it computed: steps are scheduled ahead of
  // the answers of earlier ones, since the token that a step chooses stays on the device for the
  // next. What ran too far, past a stop or an abort, is forgotten: it only wrote keys and values
  // past those that are held, and later steps overwrite them before anything reads them.

  /// The next step to submit; without programs when there is none until more answers are in. Views
  /// in it are valid until the next call. Errors: invalid_argument for a model on the CPU.
  Result<gpu::Step> schedule();
  /// Takes what the oldest step that reads anything gave: the id of a token, or a row of logits.
  /// Errors: invalid_argument when no answer is awaited or its size is wrong, internal when there
  /// was no number among the logits (the generation is then over).
  Result<StepOutcome> take(Bytes answer);
  /// Like forward(), with steps from schedule(); returns how many rows of logits they will give.
  Result<std::size_t> begin_gpu_forward(std::vector<TokenId> ids, bool reset, bool all);
  /// The device is gone, and with it the keys and values: the next steps compute them again.
  /// `forward_again`: a forward pass was under way, and its caller will begin it again.
  void lose(bool forward_again);
  /// Takes `tokens` tokens for processed, for timing. Errors: context_overflow, busy.
  Result<void> pretend(std::uint32_t tokens);

 private:
  struct Generation {
    std::vector<TokenId> ids;  ///< the prompt, then what was generated
    std::size_t prompt_size = 0;
    GenerateOptions options;
    sample::Sampler sampler;
    StopMatcher stops;
    std::unique_ptr<TokenStream> decoder;  // null without a tokenizer
    std::size_t generated() const { return ids.size() - prompt_size; }
  };

  /// A forward pass on a GPU, in steps.
  struct Forward {
    std::vector<TokenId> ids;
    std::size_t done = 0;  ///< of `ids`
    std::size_t skip = 0;  ///< leading ids whose logits are not wanted
    bool all = false;
  };

  /// The GPU's side of a session: what is submitted and not answered, and the bytes of writes.
  struct Device {
    std::size_t scheduled = 0;        ///< positions whose computation has been submitted
    std::deque<std::size_t> awaited;  ///< for each answer to come, the position after its step
    bool on_host = false;             ///< the core samples, from logits read back
    bool settings_sent = false;       ///< of this generation
    std::optional<Forward> forward;
    std::size_t before_forward = 0;  ///< tokens held when the last forward pass began
    std::vector<TokenId> replay;     ///< what was held when the device was lost
    gpu::StepWords step{};
    std::vector<TokenId> ids;
    std::vector<std::uint8_t> settings;
    std::vector<std::uint32_t> counts;
  };

  Session(std::shared_ptr<LoadedModel> model, std::shared_ptr<const Tokenizer> tokenizer)
      : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {}
  /// Errors: invalid_argument for a model on a GPU.
  Result<void> on_cpu() const;
  Result<void> begin_forward(const std::vector<TokenId>& ids, bool reset);
  Result<void> check_ids(const std::vector<TokenId>& ids) const;
  /// Processes ids after those held; returns logits of the last `outputs` of them.
  std::span<float> run(std::span<const TokenId> ids, std::size_t outputs, cpu::ThreadPool& pool);
  /// Samples a token from logits and accepts it.
  Result<void> take_token(std::span<float> logits, StepOutcome& outcome);
  /// Adds a token to the generation: its text, and whether it is the last.
  void accept(TokenId id, StepOutcome& outcome);
  gpu::Step gpu_step(std::span<const TokenId> ids, std::size_t tokens, std::size_t outputs,
                     std::string_view read);
  void add_sampler(gpu::Step& step);
  gpu::Step schedule_forward();
  void start_on_device();
  void finish(FinishReason reason, StepOutcome& outcome);

  std::shared_ptr<LoadedModel> model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  Buffer states_;
  std::vector<float*> state_pointers_;
  std::vector<TokenId> held_;  ///< tokens whose keys and values are in the states
  std::optional<Generation> generation_;
  Device device_;
  bool counted_ = false;  ///< among the model's open sessions
};

}  // namespace hearth::runtime
