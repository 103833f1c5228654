#include "ops/check.h"
#include "ops/op_table.h"

namespace hearth::ops {
namespace {

Result<void> check(const OpParams&, std::span<const Operand> in, std::string_view at) {
  HEARTH_TRY(check_count("activate", in, 1, 1, at));
  return check_rows("activate", in[0], at);
}

Shape infer(const OpParams&, std::span<const Operand> in) { return in[0].shape; }

}  // namespace

OpRules activate_rules() {
  return {.name = "activate", .check = check, .infer = infer, .in_place = 0};
}

}  // namespace hearth::ops
