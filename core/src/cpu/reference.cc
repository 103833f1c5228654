// The kernels written to be read: what the fast ones are tested against.
#include <cmath>
#include <numbers>
#include <vector>

#include "cpu/packing.h"
#include "quant/dequantize.h"

namespace hearth::cpu::reference {
namespace {

// One row of a matrix as floats.
std::vector<float> row_of(const Matrix& matrix, std::int64_t row) {
  const DTypeInfo& info = dtype_info(matrix.dtype);
  std::vector<float> out(static_cast<std::size_t>(matrix.columns));
  std::vector<std::uint8_t> block(static_cast<std::size_t>(info.block_bytes));
  for (std::int64_t b = 0; b < matrix.columns / info.block_elements; ++b) {
    read_block(matrix, row, b, block.data());
    dequantize(matrix.dtype, block,
               std::span<float>(out).subspan(static_cast<std::size_t>(b * info.block_elements),
                                             static_cast<std::size_t>(info.block_elements)));
  }
  return out;
}

double activated(graph::Activation activation, double x) {
  switch (activation) {
    case graph::Activation::kSilu:
      return x / (1 + std::exp(-x));
    case graph::Activation::kGeluTanh:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case graph::Activation::kGelu:
      return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case graph::Activation::kRelu:
      return x < 0 ? 0 : x;
  }
  return x;
}

}  // namespace

void linear(const LinearArgs& args) {
  const std::int64_t columns = args.weight.columns;
  for (std::int64_t row = 0; row < args.weight.rows; ++row) {
    const std::vector<float> weights = row_of(args.weight, row);
    for (std::int64_t t = 0; t < args.tokens; ++t) {
      double y = 0;
      for (std::int64_t i = 0; i < columns; ++i) {
        y +=
            static_cast<double>(weights[static_cast<std::size_t>(i)]) * args.input[t * columns + i];
      }
      if (args.bias != nullptr) y += args.bias[row];
      if (args.residual != nullptr) y += args.residual[t * args.weight.rows + row];
      args.output[t * args.weight.rows + row] = static_cast<float>(y);
    }
  }
}

void embed(const Matrix& table, std::span<const std::uint32_t> ids, float* output) {
  for (const std::uint32_t id : ids) {
    for (const float x : row_of(table, id)) *output++ = x;
  }
}

void rms_norm(const NormArgs& args) {
  for (std::int64_t t = 0; t < args.tokens; ++t) {
    for (std::int64_t group = 0; group < args.groups; ++group) {
      const float* x = args.input + t * args.input_stride + group * args.width;
      float* y = args.output + t * args.output_stride + group * args.width;
      double squares = 0;
      for (std::int64_t i = 0; i < args.width; ++i) squares += static_cast<double>(x[i]) * x[i];
      const double factor = 1 / std::sqrt(squares / static_cast<double>(args.width) + args.epsilon);
      for (std::int64_t i = 0; i < args.width; ++i) {
        const double weight = static_cast<double>(args.weight[i]) + args.weight_offset;
        y[i] = static_cast<float>(x[i] * factor * weight);
      }
    }
  }
}

void layer_norm(const NormArgs& args) {
  const auto width = static_cast<double>(args.width);
  for (std::int64_t t = 0; t < args.tokens; ++t) {
    for (std::int64_t group = 0; group < args.groups; ++group) {
      const float* x = args.input + t * args.input_stride + group * args.width;
      float* y = args.output + t * args.output_stride + group * args.width;
      double mean = 0;
      for (std::int64_t i = 0; i < args.width; ++i) mean += x[i] / width;
      double variance = 0;
      for (std::int64_t i = 0; i < args.width; ++i) variance += (x[i] - mean) * (x[i] - mean);
      const double factor = 1 / std::sqrt(variance / width + args.epsilon);
      for (std::int64_t i = 0; i < args.width; ++i) {
        const double bias = args.bias == nullptr ? 0 : args.bias[i];
        y[i] = static_cast<float>((x[i] - mean) * factor * args.weight[i] + bias);
      }
    }
  }
}

void rope(const RopeArgs& args) {
  const std::int64_t half = args.rotary_size / 2;
  for (std::int64_t t = 0; t < args.tokens; ++t) {
    for (std::int64_t head = 0; head < args.heads; ++head) {
      float* data = args.data + t * args.stride + head * args.head_size;
      for (std::int64_t i = 0; i < half; ++i) {
        float& a = data[args.interleaved ? 2 * i : i];
        float& b = data[args.interleaved ? 2 * i + 1 : i + half];
        // The angle is rounded to float, as the models were trained with.
        const float divisor = args.divisors == nullptr ? 1 : args.divisors[i];
        const double angle =
            static_cast<float>(args.position + t) * (args.frequencies[i] / divisor);
        const double c = std::cos(angle) * args.scale;
        const double s = std::sin(angle) * args.scale;
        const double x = a;
        const double y = b;
        a = static_cast<float>(x * c - y * s);
        b = static_cast<float>(x * s + y * c);
      }
    }
  }
}

void attention(const AttentionArgs& args) {
  const std::int64_t size = args.head_size;
  std::vector<double> weights(static_cast<std::size_t>(args.position + args.tokens));
  for (std::int64_t t = 0; t < args.tokens; ++t) {
    for (std::int64_t head = 0; head < args.heads; ++head) {
      const std::int64_t skip = head / (args.heads / args.kv_heads) * args.capacity * size;
      const float* query = args.query + t * args.query_stride + head * size;
      const auto seen = static_cast<std::size_t>(args.position + t + 1);
      const auto window = static_cast<std::size_t>(args.window);
      const std::size_t first = window == 0 || window > seen ? 0 : seen - window;
      double largest = -INFINITY;
      for (std::size_t key = first; key < seen; ++key) {
        const float* k = args.keys + skip + static_cast<std::int64_t>(key) * size;
        double score = 0;
        for (std::int64_t i = 0; i < size; ++i) score += static_cast<double>(query[i]) * k[i];
        weights[key] = score * args.scale;
        if (args.soft_cap > 0) {
          weights[key] = args.soft_cap * std::tanh(weights[key] / args.soft_cap);
        }
        largest = std::max(largest, weights[key]);
      }
      double total = 0;
      for (std::size_t key = first; key < seen; ++key) {
        weights[key] = std::exp(weights[key] - largest);
        total += weights[key];
      }
      for (std::int64_t i = 0; i < size; ++i) {
        double y = 0;
        for (std::size_t key = first; key < seen; ++key) {
          y += weights[key] / total * args.values[skip + static_cast<std::int64_t>(key) * size + i];
        }
        args.output[(t * args.heads + head) * size + i] = static_cast<float>(y);
      }
    }
  }
}

void glu(graph::Activation activation, const float* gate, const float* up, std::int64_t stride,
         float* output, std::int64_t tokens, std::int64_t width) {
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t i = 0; i < width; ++i) {
      const double y = activated(activation, gate[t * stride + i]);
      output[t * width + i] = static_cast<float>(y * static_cast<double>(up[t * stride + i]));
    }
  }
}

void activate(graph::Activation activation, const float* input, float* output, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    output[i] = static_cast<float>(activated(activation, input[i]));
  }
}

}  // namespace hearth::cpu::reference
