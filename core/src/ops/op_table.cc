#include "ops/op_table.h"

namespace hearth::ops {

const graph::OpTable& op_table() {
  // In the order of graph::Op.
  static const graph::OpTable table = {embed_rules(),      rms_norm_rules(),      linear_rules(),
                                       slice_rules(),      rope_rules(),          attention_rules(),
                                       glu_rules(),        add_rules(),           take_rows_rules(),
                                       layer_norm_rules(), scale_rules(),         soft_cap_rules(),
                                       activate_rules(),   gather_columns_rules()};
  return table;
}

}  // namespace hearth::ops
