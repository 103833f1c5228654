// The kernels' texts, and which variant of a kernel an adapter gets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/adapter.h"

namespace hearth::gpu {

/// A kernel's variant: its name, which is also that of its check, and the files that make it up.
struct Variant {
  std::string name;                     ///< "matvec.q4.subgroups"
  std::string_view file;                ///< the one with its entry point
  std::vector<std::string_view> files;  ///< in the order in which they follow each other
};

/// What the caller knows of the kernel that it needs.
struct KernelNeed {
  std::string_view kernel;       ///< "matvec"
  std::string_view part;         ///< a layout or the type of a state, "" for none
  bool exact = false;            ///< float arithmetic only
  std::string_view forced = {};  ///< takes the variant of this name, if it is one of the kernel's
};

/// The best variant that the adapter allows. Errors: unsupported_device, naming the kernel, when
/// every variant has been refused.
Result<Variant> choose_variant(const KernelNeed& need, const Adapter& adapter);

/// Every variant of a kernel that the adapter's features allow, best first.
std::vector<Variant> variants_of(const KernelNeed& need, const Adapter& adapter);

/// Whether another variant computes the same as the one of that name.
bool has_substitute(std::string_view variant);

/// Every kernel with every part that it has.
std::vector<KernelNeed> all_kernels();

/// The module's text: enables, preludes and the kernel.
std::string source_of(const Variant& variant);

/// The text of a file of kernels/, by its name without the ending.
std::string_view kernel_text(std::string_view file);

}  // namespace hearth::gpu
