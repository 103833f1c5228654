// Fuzzes what models are built from, in every family: config.json beside a real directory of
// tensors, and whole GGUF files. Building never crashes, hangs, or allocates by what a
// configuration claims; what it refuses, it names.
//
// The input is a GGUF file, or a byte that chooses one of the goldens, one that chooses the
// context, and a JSON object whose members replace those of the golden's config.json.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "formats/json.h"
#include "property.h"
#include "runtime/loaded_model.h"

namespace hearth::fuzz {
namespace {

struct Golden {
  std::shared_ptr<const models::SourceFile> tensors;
  nlohmann::json config;
};

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<std::unique_ptr<runtime::LoadedModel>> plan(const Golden& golden,
                                                   std::string_view config_json,
                                                   std::int64_t context) {
  HEARTH_ASSIGN(auto checkpoint, models::Checkpoint::make({golden.tensors}, config_json));
  return runtime::LoadedModel::open(std::move(checkpoint), {.context_length = context}, true);
}

/// The goldens that are built as they are, by name, so that a byte means the same in every run.
std::vector<Golden> read_goldens() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(HEARTH_GOLDENS)) {
    if (std::filesystem::exists(entry.path() / "model.safetensors")) {
      folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  std::vector<Golden> goldens;
  for (const auto& folder : folders) {
    const std::string file = read(folder / "model.safetensors");
    auto parsed = parse_safetensors(as_bytes(file), file.size());
    HEARTH_CHECK(parsed && parsed->header);
    const std::string config = read(folder / "config.json");
    Golden golden{.tensors = std::make_shared<const models::SourceFile>(
                      models::SourceFile{.name = folder.filename().string(),
                                         .size = file.size(),
                                         .header = *std::move(parsed->header)}),
                  .config = parse_json(config, "config.json").value()};
    if (plan(golden, config, 0)) goldens.push_back(std::move(golden));
  }
  // The families, some of them in variants.
  HEARTH_CHECK(goldens.size() >= 18);
  return goldens;
}

void check_plan(const Result<std::unique_ptr<runtime::LoadedModel>>& model) {
  if (model) {
    HEARTH_CHECK((*model)->facts().layers >= 1 && (*model)->context_length() >= 1);
    return;
  }
  const Error& error = model.error();
  HEARTH_CHECK(error.code != ErrorCode::kInternal && error.message.ends_with('.'));
  HEARTH_CHECK(!error.name.empty());
}

void fuzz_gguf(Bytes file) {
  auto parsed = parse_gguf(file, file.size());
  if (!parsed || !parsed->header) return;
  const auto source = std::make_shared<const models::SourceFile>(models::SourceFile{
      .name = "fuzz", .size = file.size(), .header = *std::move(parsed->header)});
  auto checkpoint = models::Checkpoint::make({source}, "");
  if (checkpoint) check_plan(runtime::LoadedModel::open(*std::move(checkpoint), {}, true));
}

void fuzz_config(Bytes data) {
  static const std::vector<Golden> kGoldens = read_goldens();
  // Its own choice, one token, what tiny models have, more than they have, and none.
  constexpr std::int64_t kContexts[] = {0, 1, 128, 1 << 20, -1};
  if (data.size() < 2) return;
  const Golden& golden = kGoldens[data[0] % kGoldens.size()];
  auto changes = parse_json(as_text(data.subspan(2)), "changes");
  if (!changes || !changes->is_object()) return;
  nlohmann::json config = golden.config;
  config.update(*changes);
  check_plan(plan(golden, config.dump(), kContexts[data[1] % std::size(kContexts)]));
}

}  // namespace
}  // namespace hearth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const hearth::Bytes input(data, size);
  if (hearth::as_text(input).starts_with("GGUF")) {
    hearth::fuzz::fuzz_gguf(input);
  } else {
    hearth::fuzz::fuzz_config(input);
  }
  return 0;
}
