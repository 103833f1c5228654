// A shape of up to four dimensions, outermost first, as PyTorch writes it: (rows, columns).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/cat.h"
#include "base/check.h"

namespace hearth {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) {
    HEARTH_CHECK(dims.size() <= kMaxRank);
    for (std::int64_t dim : dims) dims_[static_cast<std::size_t>(rank_++)] = dim;
  }

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](int axis) { return dims_[static_cast<std::size_t>(axis)]; }
  /// The innermost dimension; the shape is not empty.
  std::int64_t back() const { return dims_[static_cast<std::size_t>(rank_ - 1)]; }
  void push_back(std::int64_t dim) {
    HEARTH_CHECK(rank_ < kMaxRank);
    dims_[static_cast<std::size_t>(rank_++)] = dim;
  }

  /// The product of all dimensions; 1 for rank 0.
  std::int64_t elements() const {
    std::int64_t product = 1;
    for (int axis = 0; axis < rank_; ++axis) product *= dims_[static_cast<std::size_t>(axis)];
    return product;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis) {
      if (a[axis] != b[axis]) return false;
    }
    return true;
  }

  /// "(49152, 576)"
  std::string to_string() const {
    std::string text = "(";
    for (int axis = 0; axis < rank_; ++axis) {
      text += cat(axis == 0 ? "" : ", ", (*this)[axis]);
    }
    return text + ")";
  }

 private:
  std::array<std::int64_t, kMaxRank> dims_ = {};
  int rank_ = 0;
};

}  // namespace hearth
