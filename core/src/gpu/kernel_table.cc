#include "gpu/kernel_table.h"

#include <algorithm>
#include <utility>

#include "base/cat.h"
#include "base/check.h"

namespace hearth::gpu {
namespace {

struct Text {
  std::string_view file;
  std::string_view text;
};

constexpr Text kTexts[] = {
#include "kernel_texts.inc"
};

/// What comes before the step's struct: enables, and functions that depend on them.
struct Prelude {
  std::string_view name;      ///< the last part of a variant's name
  std::string_view file;      ///< empty for none
  std::string_view features;  ///< that it needs, separated by spaces
};

constexpr Prelude kPlain = {.name = "plain", .file = "", .features = ""};
constexpr Prelude kReducePlain = {.name = "plain", .file = "reduce_plain", .features = ""};
constexpr Prelude kReduceSubgroups = {
    .name = "subgroups", .file = "reduce_subgroups", .features = "subgroups"};

constexpr Prelude kSubgroupMatrix = {.name = "subgroup_matrix",
                                     .file = "f16_subgroup_matrix",
                                     .features = "shader-f16 subgroups subgroup-matrix"};

/// A file that computes a kernel, and with what.
struct Implementation {
  std::string_view kernel;  ///< what callers ask for
  std::string_view file;
  Prelude prelude;
  bool exact = true;               ///< computes in floats throughout
  std::string_view parts = "";     ///< layouts or types that it has; empty for all
  std::string_view features = "";  ///< needed beside the prelude's
  std::uint32_t subgroup = 0;      ///< the one size of subgroups that it is written for; 0 for any
};

/// Best first. Kernels that are not listed have one implementation, the file of their name.
constexpr Implementation kImplementations[] = {
#include "gpu/kernel_variants.inc"
};

bool contains(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t space = std::min(list.find(' '), list.size());
    if (list.substr(0, space) == word) return true;
    list.remove_prefix(std::min(space + 1, list.size()));
  }
  return false;
}

bool has_all(const Adapter& adapter, std::string_view features) {
  while (!features.empty()) {
    const std::size_t space = std::min(features.find(' '), features.size());
    if (!adapter.has(features.substr(0, space))) return false;
    features.remove_prefix(std::min(space + 1, features.size()));
  }
  return true;
}

bool has_size(const Adapter& adapter, std::uint32_t size) {
  return size == 0 || (adapter.subgroup_min == size && adapter.subgroup_max == size);
}

/// Kernels whose part is the type of a state; that of all others is a layout.
bool takes_states(std::string_view kernel) {
  return kernel == "rope_kv" || kernel == "store_kv" || kernel == "attention" ||
         kernel == "attention_split";
}

/// The file with a part's functions.
std::string_view part_file(std::string_view kernel, std::string_view part) {
  const std::string file = cat(takes_states(kernel) ? "kv_" : "layout_", part);
  for (const Text& text : kTexts) {
    if (text.file == file) return text.file;
  }
  HEARTH_CHECK(false);
  return "";
}

/// A file that kernels have in common, after the step and their part and before their own.
struct Shared {
  std::string_view file;
  std::string_view kernels;
};

/// In the order in which they follow each other.
constexpr Shared kShared[] = {
    {"k_scales", "repack_q4_k repack_q5_k"},
    {"rotate", "rope rope_kv"},
    {"activation", "glu activate"},
    {"cap", "attention attention_split"},
    {"linear", "matmul matvec"},
    {"assemble", "assemble_codes assemble_zeros assemble_scales"},
    {"assemble_halves", "assemble_zeros assemble_scales"},
    {"matvec_rows", "matvec"},
    {"sample", "sample_argmax sample_pick sample_weights sample_narrow sample_sums sample_draw"},
    {"sample_select", "sample_narrow sample_sums sample_draw"},
};

Variant make_variant(const KernelNeed& need, std::string_view file, const Prelude& prelude) {
  Variant variant;
  variant.file = file;
  variant.name = file;
  if (!need.part.empty()) variant.name += cat(".", need.part);
  variant.name += cat(".", prelude.name);
  if (!prelude.file.empty()) variant.files.push_back(prelude.file);
  // Kernels that load weights have a uniform of their own. Those that repack read a block each, and
  // what they share follows.
  const bool repacks = need.kernel.starts_with("repack");
  const bool loads = repacks || need.kernel.starts_with("assemble");
  if (!loads) variant.files.push_back("step");
  if (!need.part.empty()) variant.files.push_back(part_file(need.kernel, need.part));
  for (const Shared& each : kShared) {
    if (contains(each.kernels, need.kernel)) variant.files.push_back(each.file);
  }
  variant.files.push_back(file);
  if (repacks) variant.files.push_back("repack");
  return variant;
}

}  // namespace

std::string_view kernel_text(std::string_view file) {
  for (const Text& text : kTexts) {
    if (text.file == file) return text.text;
  }
  HEARTH_CHECK(false);
  return "";
}

std::vector<Variant> variants_of(const KernelNeed& need, const Adapter& adapter) {
  std::vector<Variant> result;
  bool listed = false;
  for (const Implementation& each : kImplementations) {
    if (each.kernel != need.kernel) continue;
    listed = true;
    if ((need.exact && !each.exact) || !has_all(adapter, each.prelude.features) ||
        !has_all(adapter, each.features) || !has_size(adapter, each.subgroup) ||
        (!each.parts.empty() && !contains(each.parts, need.part))) {
      continue;
    }
    result.push_back(make_variant(need, each.file, each.prelude));
  }
  if (!listed) result.push_back(make_variant(need, need.kernel, kPlain));
  return result;
}

Result<Variant> choose_variant(const KernelNeed& need, const Adapter& adapter) {
  std::vector<Variant> variants = variants_of(need, adapter);
  for (Variant& variant : variants) {
    if (variant.name == need.forced) return std::move(variant);
  }
  const std::string key = cat(need.kernel, need.part.empty() ? "" : ".", need.part);
  for (const Choice& choice : adapter.choices) {
    if (choice.key != key) continue;
    for (Variant& variant : variants) {
      if (variant.name == choice.value && adapter.allows(variant.name)) return std::move(variant);
    }
  }
  for (Variant& variant : variants) {
    if (adapter.allows(variant.name)) return std::move(variant);
  }
  return fail(ErrorCode::kUnsupportedDevice,
              cat("Every variant of the kernel \"", key, "\" computes wrong numbers on ",
                  adapter.description, "."),
              key);
}

bool has_substitute(std::string_view variant) {
  const std::string_view file = variant.substr(0, variant.find('.'));
  for (const Implementation& each : kImplementations) {
    if (each.file == file) return true;
  }
  return false;
}

std::vector<KernelNeed> all_kernels() {
  constexpr std::string_view kLayouts[] = {"f32", "f16", "bf16", "q4", "q4m", "q4t", "q8", "q8m"};
  constexpr std::string_view kStates[] = {"f32", "f16"};
  constexpr std::string_view kPlainKernels[] = {"quantize_x",
                                                "rms_norm",
                                                "layer_norm",
                                                "rope",
                                                "attention_merge",
                                                "glu",
                                                "add",
                                                "scale",
                                                "soft_cap",
                                                "activate",
                                                "take_rows",
                                                "sample_argmax",
                                                "sample_pick",
                                                "sample_weights",
                                                "sample_narrow",
                                                "sample_sums",
                                                "sample_draw",
                                                "gather_columns",
                                                "assemble_codes",
                                                "assemble_zeros",
                                                "assemble_scales"};
  std::vector<KernelNeed> needs;
  for (std::string_view kernel : {"embed", "matvec", "matmul"}) {
    for (std::string_view part : kLayouts) needs.push_back({.kernel = kernel, .part = part});
  }
  for (std::string_view kernel : {"rope_kv", "store_kv", "attention", "attention_split"}) {
    for (std::string_view part : kStates) needs.push_back({.kernel = kernel, .part = part});
  }
  for (std::string_view kernel : kPlainKernels) needs.push_back({.kernel = kernel, .part = ""});
  for (const Text& text : kTexts) {
    if (text.file.starts_with("repack_")) needs.push_back({.kernel = text.file, .part = ""});
  }
  return needs;
}

std::string source_of(const Variant& variant) {
  std::string source;
  for (std::string_view file : variant.files) source += kernel_text(file);
  return source;
}

}  // namespace hearth::gpu
