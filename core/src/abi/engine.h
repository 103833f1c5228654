// The core behind the ABI: open files, models, tokenizers and sessions by handle, and one function
// for each method of messages.h. Every function leaves the engine as it was when it fails.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/messages.h"
#include "base/result.h"
#include "cpu/thread_pool.h"
#include "models/checkpoint.h"
#include "runtime/gpu_check.h"
#include "runtime/loaded_model.h"
#include "runtime/session.h"
#include "text/tokenizer.h"

namespace hearth::abi {

/// Objects by handle. Handles are never given twice, so that a stale one is an error and not a
/// stranger.
template <typename T>
class HandleTable {
 public:
  std::uint32_t add(std::shared_ptr<T> object) {
    objects_.emplace(++last_, std::move(object));
    return last_;
  }
  /// Errors: invalid_handle, naming the kind.
  Result<std::shared_ptr<T>> get(std::uint32_t handle, std::string_view kind) const {
    const auto found = objects_.find(handle);
    if (found != objects_.end()) return found->second;
    return fail(ErrorCode::kInvalidHandle,
                cat("No ", kind, " is open under the handle ", handle, "."), kind);
  }
  void remove(std::uint32_t handle) { objects_.erase(handle); }

 private:
  std::map<std::uint32_t, std::shared_ptr<T>> objects_;
  std::uint32_t last_ = 0;
};

class Engine {
 public:
  explicit Engine(int threads) : pool_(threads) {}

  Result<EngineInfo> engine_info(const Empty&);
  Result<FileOpened> file_open(const FileOpen& request);
  Result<FileContents> file_contents(const FileHandle& request);
  Result<Empty> file_close(const FileHandle& request);
  Result<ModelInfo> model_inspect(const ModelOpen& request);
  Result<ModelOpened> model_open(const ModelOpen& request);
  Result<Empty> range_loaded(const RangeLoaded& request);
  Result<Empty> model_ready(const ModelHandle& request);
  Result<Empty> model_close(const ModelHandle& request);
  Result<TokenizerOpened> tokenizer_open(const TokenizerOpen& request);
  Result<Empty> tokenizer_close(const TokenizerHandle& request);
  Result<TokenIds> tokenize(const Tokenize& request);
  Result<Encoded> encode(const Encode& request);
  Result<Text> detokenize(const Detokenize& request);
  Result<SessionHandle> session_open(const SessionOpen& request);
  Result<Empty> session_close(const SessionHandle& request);
  Result<GenerationStarted> session_generate(const SessionGenerate& request);
  Result<StepResult> session_step(const SessionHandle& request);
  Result<Empty> session_abort(const SessionHandle& request);
  Result<Logits> session_forward(const SessionForward& request);
  Result<Scores> session_score(const SessionScore& request);

  // --- engine_gpu.cc ----------------------------------------------------------------------------
  Result<gpu::GpuPlan> gpu_plan(const ModelHandle& request);
  Result<gpu::Step> session_schedule(const SessionHandle& request);
  Result<StepResult> session_take(const SessionTake& request);
  Result<ForwardStarted> session_forward_begin(const SessionForward& request);
  Result<Empty> session_lost(const SessionLost& request);
  Result<Empty> session_pretend(const SessionPretend& request);
  Result<Scores> logprobs(const LogitsOfIds& request);
  Result<GpuCheckNames> gpu_check_names(const gpu::Adapter& request);
  Result<GpuCheck> gpu_check_open(const GpuCheckOpen& request);
  Result<GpuVerdict> gpu_check_close(const GpuCheckClose& request);
  Result<ColumnOrder> column_order(const ColumnGroups& request);

 private:
  Result<std::unique_ptr<runtime::LoadedModel>> make_model(const ModelOpen& request,
                                                           bool inspect_only);

  /// A step's outcome as the message that tells of it.
  static StepResult step_result(const runtime::Session& session, runtime::StepOutcome outcome);

  cpu::ThreadPool pool_;
  HandleTable<const models::SourceFile> files_;
  HandleTable<runtime::LoadedModel> models_;
  HandleTable<const Tokenizer> tokenizers_;
  HandleTable<runtime::Session> sessions_;
  HandleTable<runtime::GpuCheck> checks_;
  std::vector<float> logits_;  ///< what the last Logits response points to
};

/// Runs a method by number: decodes the request, calls the engine and appends the response to `out`
/// as a status byte (0 for success, 1 for an error) and the message, or the error's code, sentence
/// and name.
void dispatch(Engine& engine, std::uint32_t method, Bytes request, std::vector<std::uint8_t>& out);

}  // namespace hearth::abi
