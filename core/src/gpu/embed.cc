#include "gpu/lower.h"

namespace hearth::gpu {

Result<void> emit_embed(Lowering& low, const graph::Node& node) {
  const Matrix& table = low.weights().matrix(node.inputs[1]);
  const Rows y = low.rows(node.output);
  HEARTH_ASSIGN(const Variant variant,
                low.writer().variant("embed", layout_info(table.layout).name));
  const bool positions = std::get<graph::EmbedParams>(node.params).positions;
  // Each piece of the table serves the ids that lie in it.
  for (const Piece& piece : table.pieces) {
    std::vector<Constant> constants = {set("K", table.columns),      set("N", piece.rows),
                                       set("ROW0", piece.first_row), set("Y_STRIDE", y.stride),
                                       set("Y_OFFSET", y.offset),    set("POSITIONS", positions)};
    add_table(table, constants);
    HEARTH_TRY(low.writer().dispatch(
        low.out(), node.name, variant, constants,
        {read(piece.codes), read(piece.scales), write(low.ids()), write(y.binding)},
        {.x = per("tokens")}));
  }
  return {};
}

}  // namespace hearth::gpu
