// The rules of every op: what operands it takes and what shape comes out.
#pragma once

#include "graph/op.h"

namespace hearth::ops {

const graph::OpTable& op_table();

// One a file; op_table.cc puts them in order.
graph::OpRules embed_rules();
graph::OpRules rms_norm_rules();
graph::OpRules linear_rules();
graph::OpRules slice_rules();
graph::OpRules rope_rules();
graph::OpRules attention_rules();
graph::OpRules glu_rules();
graph::OpRules add_rules();
graph::OpRules take_rows_rules();
graph::OpRules layer_norm_rules();
graph::OpRules scale_rules();
graph::OpRules soft_cap_rules();
graph::OpRules activate_rules();
graph::OpRules gather_columns_rules();

}  // namespace hearth::ops
