// Sessions of models on a GPU: what to submit, and what its answers mean.

#include <algorithm>
#include <cstring>

#include "base/cat.h"
#include "base/check.h"
#include "gpu/sample.h"
#include "runtime/gpu_settings.h"
#include "runtime/session.h"

namespace hearth::runtime {
namespace {

/// Steps that may be ahead of the answers, whatever a host would like: past a stop they are work
/// for nothing.
constexpr std::size_t kMostAhead = 16;

/// What the device's samplers write when no logit was a number.
constexpr TokenId kNoToken = 0xffffffff;

template <typename T>
Bytes bytes_of(const T& elements) {
  return {reinterpret_cast<const std::uint8_t*>(elements.data()),
          elements.size() * sizeof(elements[0])};
}

}  // namespace

void Session::start_on_device() {
  device_.scheduled = held_.size();
  device_.awaited.clear();
  device_.settings_sent = false;
  device_.replay.clear();
  const GenerateOptions& options = generation_->options;
  device_.on_host = options.logprobs >= 0 || options.sampling.logit_bias.size() > gpu::kMostBiases;
}

gpu::Step Session::gpu_step(std::span<const TokenId> ids, std::size_t tokens, std::size_t outputs,
                            std::string_view read) {
  const gpu::Handles& handles = model_->gpu()->handles;
  const std::size_t length = device_.scheduled + tokens;
  const std::size_t draw = generation_ ? length - generation_->prompt_size : 0;
  device_.step = gpu::step_words(device_.scheduled, tokens, outputs, draw);
  gpu::Step step = gpu::make_step(handles, device_.scheduled, tokens, outputs);
  step.writes.push_back(gpu::write_to(handles.step, bytes_of(device_.step)));
  // A copy: what the ids belong to may end with this step.
  device_.ids.assign(ids.begin(), ids.end());
  if (!ids.empty()) step.writes.push_back(gpu::write_to(handles.ids, bytes_of(device_.ids)));
  step.read = read;
  device_.scheduled = length;
  return step;
}

void Session::add_sampler(gpu::Step& step) {
  const gpu::Handles& handles = model_->gpu()->handles;
  const sample::Settings& settings = generation_->options.sampling;
  step.programs.push_back(sampler_program(handles, settings));
  if (device_.settings_sent) return;
  device_.settings_sent = true;
  device_.settings = settings_bytes(settings);
  step.writes.push_back(gpu::write_to(handles.settings, device_.settings));
  if (!penalizes(settings)) return;
  // Afterwards the device counts by itself; kernels/sample.wgsl says how.
  const std::vector<TokenId>& ids = generation_->ids;
  device_.counts.assign(static_cast<std::size_t>(model_->facts().vocab_size), 0);
  const std::size_t window = settings.penalty_window;
  const std::size_t begin = window != 0 && ids.size() > window ? ids.size() - window : 0;
  for (std::size_t i = begin; i < ids.size(); ++i) {
    device_.counts[ids[i]] += i >= generation_->prompt_size ? 0x10001 : 1;
  }
  step.writes.push_back(gpu::write_to(handles.counts, bytes_of(device_.counts)));
  if (window != 0) step.writes.push_back(gpu::write_to(handles.history, bytes_of(ids)));
}

Result<gpu::Step> Session::schedule() {
  if (model_->gpu() == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "The model runs on the CPU.", "session");
  }
  if (device_.forward) return schedule_forward();
  if (!generation_) return gpu::Step{};
  const Generation& generation = *generation_;
  const std::vector<TokenId>& ids = generation.ids;
  if (device_.scheduled < ids.size()) {
    const std::size_t count = std::min(static_cast<std::size_t>(model_->plan().limits.tokens),
                                       ids.size() - device_.scheduled);
    const bool last = device_.scheduled + count == ids.size();
    gpu::Step step = gpu_step({ids.data() + device_.scheduled, count}, count, last ? 1 : 0,
                              !last             ? ""
                              : device_.on_host ? "logits"
                                                : "id");
    if (!last) {
      while (held_.size() < device_.scheduled) held_.push_back(ids[held_.size()]);
      return step;
    }
    if (!device_.on_host) add_sampler(step);
    device_.awaited.push_back(device_.scheduled);
    return step;
  }
  // Everything known is under way: the next step continues from an id that only the device knows.
  const std::size_t coming = device_.awaited.size();
  const std::uint32_t most = generation.options.max_tokens;
  if (device_.on_host || coming == 0 || coming >= kMostAhead ||
      (most != 0 && generation.generated() + coming >= most) ||
      device_.scheduled >= static_cast<std::size_t>(model_->context_length())) {
    return gpu::Step{};
  }
  gpu::Step step = gpu_step({}, 1, 1, "id");
  add_sampler(step);
  device_.awaited.push_back(device_.scheduled);
  return step;
}

Result<StepOutcome> Session::take(Bytes answer) {
  if (!generation_ || device_.awaited.empty()) {
    return fail(ErrorCode::kInvalidArgument, "No answer is awaited.", "session");
  }
  Generation& generation = *generation_;
  const std::size_t expected =
      device_.on_host ? static_cast<std::size_t>(model_->facts().vocab_size) * 4 : 4;
  if (answer.size() != expected) {
    return fail(ErrorCode::kInvalidArgument,
                cat("An answer of ", expected, " bytes was awaited, not of ", answer.size(), "."),
                "data");
  }
  // The step processed every token before this position, and all of them are known by now.
  const std::size_t end = device_.awaited.front();
  HEARTH_CHECK(end <= generation.ids.size());
  device_.awaited.pop_front();
  while (held_.size() < end) held_.push_back(generation.ids[held_.size()]);
  StepOutcome outcome;
  outcome.phase = generation.generated() == 0 ? Phase::kPrefill : Phase::kDecode;
  outcome.prompt_done = static_cast<std::uint32_t>(generation.prompt_size);
  if (device_.on_host) {
    std::vector<float> logits(answer.size() / 4);
    std::memcpy(logits.data(), answer.data(), answer.size());
    HEARTH_TRY(take_token(logits, outcome));
    return outcome;
  }
  const auto id = load_le<TokenId>(answer.data());
  if (id >= static_cast<std::uint64_t>(model_->facts().vocab_size)) {
    generation_.reset();
    return fail(ErrorCode::kInternal,
                id == kNoToken ? "The model computed no logit that is a number."
                               : cat("The GPU chose the token ", id, ", which there is not."),
                "logits");
  }
  accept(id, outcome);
  return outcome;
}

Result<std::size_t> Session::begin_gpu_forward(std::vector<TokenId> ids, bool reset, bool all) {
  if (model_->gpu() == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "The model runs on the CPU.", "session");
  }
  // After a loss, what the session held comes first again.
  std::vector<TokenId> before;
  if (!reset) before = device_.replay;
  const std::size_t wanted = all ? ids.size() : 1;
  before.insert(before.end(), ids.begin(), ids.end());
  HEARTH_TRY(begin_forward(before, reset));
  device_.replay.clear();
  device_.scheduled = held_.size();
  device_.forward.emplace(Forward{.ids = std::move(before), .skip = 0, .all = all});
  device_.before_forward = held_.size();
  device_.forward->skip = device_.forward->ids.size() - ids.size();
  return wanted;
}

gpu::Step Session::schedule_forward() {
  Forward& forward = *device_.forward;
  const auto limits = model_->plan().limits;
  const bool rows = forward.all && forward.done >= forward.skip;
  std::size_t chunk = static_cast<std::size_t>(rows ? limits.outputs : limits.tokens);
  if (!rows && forward.all) chunk = std::min(chunk, forward.skip - forward.done);
  const std::size_t count = std::min(chunk, forward.ids.size() - forward.done);
  const bool last = forward.done + count == forward.ids.size();
  const std::size_t outputs = rows ? count : last ? 1 : 0;
  gpu::Step step = gpu_step({forward.ids.data() + forward.done, count}, count, outputs,
                            outputs > 0 ? "logits" : "");
  held_.insert(held_.end(), forward.ids.begin() + static_cast<std::ptrdiff_t>(forward.done),
               forward.ids.begin() + static_cast<std::ptrdiff_t>(forward.done + count));
  forward.done += count;
  if (last) device_.forward.reset();
  return step;
}

void Session::lose(bool forward_again) {
  if (forward_again) held_.resize(std::min(held_.size(), device_.before_forward));
  device_.forward.reset();
  device_.replay = std::move(held_);
  held_.clear();
  device_.awaited.clear();
  device_.scheduled = 0;
  device_.settings_sent = false;
}

Result<void> Session::pretend(std::uint32_t tokens) {
  if (generation_ || device_.forward) {
    return fail(ErrorCode::kBusy, "The session is generating; abort it or wait.", "session");
  }
  if (tokens >= model_->context_length()) {
    return fail(ErrorCode::kContextOverflow,
                cat(tokens, " tokens do not fit the context of ", model_->context_length(), "."),
                "tokens");
  }
  held_.assign(tokens, 0);
  return {};
}

}  // namespace hearth::runtime
