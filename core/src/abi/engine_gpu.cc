// Models on a GPU, and the checks of its kernels.

#include <cstring>

#include "abi/engine.h"
#include "quant/assemble.h"
#include "sample/sampler.h"

namespace hearth::abi {

Result<gpu::GpuPlan> Engine::gpu_plan(const ModelHandle& request) {
  HEARTH_ASSIGN(auto model, models_.get(request.model, "model"));
  if (model->gpu() == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "The model was opened for the CPU.", "model");
  }
  return model->gpu()->plan;
}

Result<gpu::Step> Engine::session_schedule(const SessionHandle& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  return session->schedule();
}

Result<StepResult> Engine::session_take(const SessionTake& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  HEARTH_ASSIGN(runtime::StepOutcome outcome, session->take(request.data));
  return step_result(*session, std::move(outcome));
}

Result<ForwardStarted> Engine::session_forward_begin(const SessionForward& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  HEARTH_ASSIGN(const std::size_t rows,
                session->begin_gpu_forward(request.ids, request.reset, request.all));
  return ForwardStarted{.rows = static_cast<std::uint32_t>(rows)};
}

Result<Empty> Engine::session_lost(const SessionLost& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  session->lose(request.forward_again);
  return Empty{};
}

Result<Empty> Engine::session_pretend(const SessionPretend& request) {
  HEARTH_ASSIGN(auto session, sessions_.get(request.session, "session"));
  HEARTH_TRY(session->pretend(request.tokens));
  return Empty{};
}

Result<Scores> Engine::logprobs(const LogitsOfIds& request) {
  if (request.ids.empty() || request.logits.size() % (request.ids.size() * sizeof(float)) != 0) {
    return fail(ErrorCode::kInvalidArgument, "The logits are not one row for each id.", "logits");
  }
  const std::size_t vocab = request.logits.size() / request.ids.size() / sizeof(float);
  std::vector<float> row(vocab);
  Scores scores;
  for (std::size_t i = 0; i < request.ids.size(); ++i) {
    if (request.ids[i] >= vocab) {
      return fail(ErrorCode::kInvalidArgument,
                  cat("The token ", request.ids[i], " is past the vocabulary of ", vocab, "."),
                  "ids");
    }
    std::memcpy(row.data(), request.logits.data() + i * vocab * sizeof(float),
                vocab * sizeof(float));
    scores.logprobs.push_back(sample::logprob(row, request.ids[i]));
  }
  return scores;
}

Result<ColumnOrder> Engine::column_order(const ColumnGroups& request) {
  if (request.group_size == 0 || request.groups.size() % 4 != 0) {
    return fail(ErrorCode::kInvalidArgument, "The groups are no groups of columns.", "groups");
  }
  ColumnOrder result;
  result.order.resize(request.groups.size() / 4);
  HEARTH_TRY(hearth::column_order(request.groups, request.group_size, request.sorted, request.name,
                                  result.order));
  return result;
}

Result<GpuCheckNames> Engine::gpu_check_names(const gpu::Adapter& request) {
  return GpuCheckNames{.names = runtime::gpu_check_names(request)};
}

Result<GpuCheck> Engine::gpu_check_open(const GpuCheckOpen& request) {
  HEARTH_ASSIGN(std::shared_ptr<runtime::GpuCheck> check,
                runtime::GpuCheck::open(request.name, request.adapter, request.seed));
  return GpuCheck{.check = checks_.add(check),
                  .plan = check->plan(),
                  .file = check->file(),
                  .steps = check->steps(),
                  .output = check->output()};
}

Result<GpuVerdict> Engine::gpu_check_close(const GpuCheckClose& request) {
  HEARTH_ASSIGN(auto check, checks_.get(request.check, "check"));
  checks_.remove(request.check);
  if (request.output.empty()) return GpuVerdict{};
  HEARTH_ASSIGN(const runtime::Verdict verdict, check->close(request.output));
  return GpuVerdict{.ok = verdict.ok, .error = verdict.error, .tolerance = verdict.tolerance};
}

}  // namespace hearth::abi
