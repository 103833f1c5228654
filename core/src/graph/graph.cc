#include "graph/graph.h"

#include "base/cat.h"

namespace hearth::graph {

std::vector<int> Graph::use_counts() const {
  std::vector<int> counts(values.size(), 0);
  for (const Node& node : nodes) {
    for (ValueId input : node.inputs) {
      if (input != kNone) ++counts[static_cast<std::size_t>(input)];
    }
  }
  if (output != kNone) ++counts[static_cast<std::size_t>(output)];
  return counts;
}

std::vector<Operand> operands(const Graph& graph, std::span<const ValueId> inputs) {
  std::vector<Operand> result;
  result.reserve(inputs.size());
  for (ValueId input : inputs) {
    if (input == kNone) {
      result.push_back({});
    } else {
      const Value& value = graph.value(input);
      result.push_back(
          {.name = value.name, .dtype = value.dtype, .shape = value.shape, .present = true});
    }
  }
  return result;
}

ValueId Builder::add_value(Value value) {
  if (error_) return kNone;
  graph_.values.push_back(std::move(value));
  return static_cast<ValueId>(graph_.values.size()) - 1;
}

void Builder::set_error(Error error) {
  if (!error_) error_ = std::move(error);
}

ValueId Builder::input(std::string_view name, DType dtype, Shape shape) {
  Value value;
  value.name = cat(scope_, name);
  value.kind = ValueKind::kInput;
  value.dtype = dtype;
  value.shape = shape;
  return add_value(std::move(value));
}

ValueId Builder::constant(std::string_view name, std::vector<float> elements) {
  Value value;
  value.name = cat(scope_, name);
  value.kind = ValueKind::kConstant;
  value.shape = {static_cast<std::int64_t>(elements.size())};
  value.constant = std::move(elements);
  return add_value(std::move(value));
}

ValueId Builder::state(std::string_view name, Shape shape) {
  Value value;
  value.name = cat(scope_, name);
  value.kind = ValueKind::kState;
  value.shape = shape;
  return add_value(std::move(value));
}

ValueId Builder::missing(std::string_view tensor) {
  set_error({ErrorCode::kMissingTensor, cat("The model has no tensor \"", tensor, "\"."),
             std::string(tensor)});
  return kNone;
}

ValueId Builder::mismatch(std::string_view tensor, const Shape& has, const Shape& wanted) {
  set_error({ErrorCode::kShapeMismatch,
             cat("The tensor \"", tensor, "\" has shape ", has.to_string(),
                 ", and the model's configuration asks for ", wanted.to_string(), "."),
             std::string(tensor)});
  return kNone;
}

ValueId Builder::add_weight(std::string name, Shape shape, std::vector<WeightPart> parts) {
  Value value;
  value.name = name;
  value.kind = ValueKind::kWeight;
  value.dtype = parts[0].info.dtype;
  value.shape = shape;
  value.parts = std::move(parts);
  const ValueId id = add_value(std::move(value));
  weight_ids_.emplace(std::move(name), id);
  return id;
}

ValueId Builder::weight(std::string_view tensor, Shape shape) {
  const ValueId found = optional_weight(tensor, shape);
  return found == kNone ? missing(tensor) : found;
}

ValueId Builder::transposed_weight(std::string_view tensor, Shape shape) {
  if (error_) return kNone;
  std::optional<WeightPart> part = weights_.find(tensor);
  if (!part) return missing(tensor);
  // GPTQ and AWQ pack every layer's matrix as a linear one's.
  if (part->assembly) return weight(tensor, shape);
  const Shape stored{shape[1], shape[0]};
  if (!(part->info.shape == stored)) return mismatch(tensor, part->info.shape, stored);
  if (dtype_info(part->info.dtype).quantized) {
    set_error({ErrorCode::kUnsupportedConfig,
               cat("The tensor \"", tensor, "\" is stored transposed as ",
                   dtype_name(part->info.dtype), ", which is not supported."),
               std::string(tensor)});
    return kNone;
  }
  part->info.shape = shape;
  part->transposed = true;
  return add_weight(std::string(tensor), shape, {*std::move(part)});
}

ValueId Builder::weight_rows(std::string_view tensor, std::string_view part_name, Shape shape,
                             const RowRange& rows) {
  if (error_) return kNone;
  const std::optional<WeightPart> whole = weights_.find(tensor);
  if (!whole) return missing(tensor);
  if (!(whole->info.shape == shape)) return mismatch(tensor, whole->info.shape, shape);
  if (whole->assembly) {
    set_error({ErrorCode::kUnsupportedConfig,
               cat("The tensor \"", tensor,
                   "\" is packed by GPTQ or AWQ, and some of its rows alone are not supported."),
               std::string(tensor)});
    return kNone;
  }
  const std::uint64_t row_bytes = whole->info.bytes / static_cast<std::uint64_t>(shape[0]);
  std::vector<WeightPart> parts;
  for (std::int64_t i = 0; i < rows.times; ++i) {
    WeightPart part = *whole;
    part.info.shape[0] = rows.count;
    part.info.bytes = static_cast<std::uint64_t>(rows.count) * row_bytes;
    part.info.offset += static_cast<std::uint64_t>(rows.first + i * rows.stride) * row_bytes;
    parts.push_back(std::move(part));
  }
  shape[0] = rows.count * rows.times;
  return add_weight(cat(tensor, ":", part_name), shape, std::move(parts));
}

ValueId Builder::optional_weight(std::string_view tensor, Shape shape) {
  if (error_) return kNone;
  // A tied matrix is read by two ops and must be held once.
  if (const auto known = weight_ids_.find(std::string(tensor)); known != weight_ids_.end()) {
    const Shape& has = graph_.value(known->second).shape;
    return has == shape ? known->second : mismatch(tensor, has, shape);
  }
  std::optional<WeightPart> part = weights_.find(tensor);
  if (!part) return kNone;
  if (!(part->info.shape == shape)) return mismatch(tensor, part->info.shape, shape);
  const ValueId order =
      part->assembly && part->assembly->reorders() ? add_order(*part->assembly) : kNone;
  const ValueId id = add_weight(std::string(tensor), shape, {*std::move(part)});
  if (id != kNone) graph_.value(id).order = order;
  return id;
}

ValueId Builder::add_order(const Assembly& assembly) {
  Value value;
  value.name = assembly.g_idx->info.name;
  value.kind = ValueKind::kWeight;
  value.dtype = DType::kI32;
  value.shape = {assembly.columns};
  value.parts.push_back({*assembly.g_idx, std::make_shared<const Assembly>(assembly)});
  return add_value(std::move(value));
}

ValueId Builder::node(std::string_view name, const OpParams& params, std::vector<ValueId> inputs) {
  if (error_) return kNone;
  Node made{
      .name = cat(scope_, name), .params = params, .inputs = std::move(inputs), .output = kNone};
  const OpRules& rules = rules_[made.params.index()];
  const std::vector<Operand> seen = operands(graph_, made.inputs);
  if (auto checked = rules.check(made.params, seen, made.name); !checked) {
    set_error(std::move(checked).error());
    return kNone;
  }
  Value value;
  value.name = made.name;
  value.shape = rules.infer(made.params, seen);
  made.output = add_value(std::move(value));
  graph_.nodes.push_back(std::move(made));
  return graph_.nodes.back().output;
}

ValueId Builder::embed(ValueId ids, ValueId table) {
  if (table != kNone && graph_.value(table).order != kNone) {
    set_error({ErrorCode::kUnsupportedConfig,
               cat("The table \"", graph_.value(table).name,
                   "\" has its columns out of order, which is not supported."),
               graph_.value(table).name});
    return kNone;
  }
  return node("embed", EmbedParams{}, {ids, table});
}

ValueId Builder::embed_positions(ValueId ids, ValueId table) {
  return node("embed_positions", EmbedParams{.positions = true}, {ids, table});
}

ValueId Builder::rms_norm(std::string_view name, ValueId x, ValueId weight,
                          const RmsNormParams& params) {
  return node(name, params, {x, weight});
}

ValueId Builder::layer_norm(std::string_view name, ValueId x, ValueId weight, ValueId bias,
                            float epsilon) {
  return node(name, LayerNormParams{.epsilon = epsilon}, {x, weight, bias});
}

ValueId Builder::linear(std::string_view name, ValueId x, ValueId weight, ValueId bias) {
  if (weight != kNone && graph_.value(weight).order != kNone) {
    x = gather_columns(cat(name, ".order"), x, graph_.value(weight).order);
  }
  return node(name, LinearParams{}, {x, weight, bias, kNone});
}

ValueId Builder::rope(std::string_view name, ValueId x, ValueId frequencies,
                      const RopeParams& params, ValueId divisors) {
  return node(name, params, {x, frequencies, divisors});
}

ValueId Builder::attention(std::string_view name, ValueId query, ValueId key, ValueId value,
                           ValueId key_state, ValueId value_state, const AttentionParams& params) {
  return node(name, params, {query, key, value, key_state, value_state});
}

ValueId Builder::slice(std::string_view name, ValueId x, std::int64_t begin, std::int64_t count) {
  return node(name, SliceParams{.begin = begin, .count = count}, {x});
}

ValueId Builder::glu(std::string_view name, ValueId gate, ValueId up, Activation activation) {
  return node(name, GluParams{.activation = activation}, {gate, up});
}

ValueId Builder::add(std::string_view name, ValueId a, ValueId b) {
  return node(name, AddParams{}, {a, b});
}

ValueId Builder::take_rows(ValueId x) { return node("take_rows", TakeRowsParams{}, {x}); }

ValueId Builder::scale(std::string_view name, ValueId x, float factor) {
  return node(name, ScaleParams{.factor = factor}, {x});
}

ValueId Builder::soft_cap(std::string_view name, ValueId x, float cap) {
  return node(name, SoftCapParams{.cap = cap}, {x});
}

ValueId Builder::activate(std::string_view name, ValueId x, Activation activation) {
  return node(name, ActivateParams{.activation = activation}, {x});
}

ValueId Builder::gather_columns(std::string_view name, ValueId x, ValueId order) {
  return node(name, GatherColumnsParams{}, {x, order});
}

Result<Graph> Builder::finish(ValueId output) && {
  if (error_) return std::unexpected(*std::move(error_));
  graph_.output = output;
  return std::move(graph_);
}

}  // namespace hearth::graph
