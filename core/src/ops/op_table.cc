#include "ops/op_table.h"

namespace hearth::ops {

const graph::OpTable& op_table() {
  // In the order of graph::Op.
  static const graph::OpTable table = {embed_rules(),  rms_norm_rules(), linear_rules(),
                                       slice_rules(),  rope_rules(),     attention_rules(),
                                       swiglu_rules(), add_rules(),      take_rows_rules()};
  return table;
}

}  // namespace hearth::ops
