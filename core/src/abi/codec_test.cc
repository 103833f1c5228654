// The wire format of every message: there and back with random contents, and every way to be short.
#include "abi/codec.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "abi/test_host.h"

namespace hearth::abi {
namespace {

class Random {
 public:
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(bits_() % end); }

  template <typename T>
  void fill(T& value) {
    if constexpr (Message<T>) {
      std::apply([&](const auto&... f) { (fill(value.*f.member), ...); }, T::fields());
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = text();
    } else if constexpr (std::is_same_v<T, ByteView>) {
      // deque: what views point to stays where it is.
      value = as_bytes(kept_.emplace_back(text()));
    } else if constexpr (IsList<T>::value) {
      value.resize(below(4));
      for (auto& element : value) fill(element);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = below(2) == 1;
    } else if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<T>(below(2000)) / 7 - 100;
    } else {
      value = static_cast<T>((static_cast<std::uint64_t>(bits_()) << 32) | bits_());
    }
  }

 private:
  std::string text() {
    std::string bytes(below(6), '\0');
    for (char& byte : bytes) byte = static_cast<char>(below(256));
    return bytes;
  }
  std::mt19937 bits_{3};
  std::deque<std::string> kept_;
};

template <typename T>
bool same(const T& a, const T& b) {
  if constexpr (Message<T>) {
    return std::apply([&](const auto&... f) { return (same(a.*f.member, b.*f.member) && ...); },
                      T::fields());
  } else if constexpr (std::is_same_v<T, ByteView>) {
    return std::ranges::equal(a, b);
  } else if constexpr (IsList<T>::value) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same(x, y); });
  } else {
    return a == b;
  }
}

template <typename T>
void expect_round_trip(Random& random) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    T value;
    random.fill(value);
    std::vector<std::uint8_t> bytes;
    Writer(bytes).write(value);
    EXPECT_GE(bytes.size(), smallest_size<T>());
    T back;
    Reader reader(bytes);
    reader.read(back);
    EXPECT_TRUE(reader.ok() && reader.at_end()) << T::kName;
    EXPECT_TRUE(same(value, back)) << T::kName;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      T part;
      Reader short_reader(Bytes(bytes).first(size));
      short_reader.read(part);
      EXPECT_FALSE(short_reader.ok()) << T::kName << " of " << size << " bytes";
    }
  }
  std::vector<std::uint8_t> empty;
  Writer(empty).write(T{});
  EXPECT_GE(empty.size(), smallest_size<T>());
}

template <std::size_t... kNumbers>
void round_trip_all(Random& random, std::index_sequence<kNumbers...>) {
  (expect_round_trip<typename std::tuple_element_t<kNumbers, Methods>::Request>(random), ...);
  (expect_round_trip<typename std::tuple_element_t<kNumbers, Methods>::Response>(random), ...);
}

TEST(Codec, EveryMessageComesBackAndNoPartOfItDoes) {
  Random random;
  round_trip_all(random, std::make_index_sequence<std::tuple_size_v<Methods>>());
}

TEST(Codec, CountsWithoutBytesAllocateNothing) {
  // 1,000 bytes may hold 250 empty strings, not 1,000.
  static_assert(smallest_size<std::string>() == 4);
  static_assert(smallest_size<LogitBias>() == 8);
  static_assert(smallest_size<TensorEntry>() == 28);
  for (const std::uint32_t claimed : {251u, 1000u, 0xFFFFFFFFu}) {
    std::vector<std::uint8_t> bytes(1004, 0);
    std::memcpy(bytes.data(), &claimed, sizeof claimed);
    std::vector<std::string> texts;
    Reader reader(bytes);
    reader.read(texts);
    EXPECT_FALSE(reader.ok()) << claimed;
    EXPECT_TRUE(texts.empty()) << claimed;
    std::vector<std::uint64_t> numbers;
    Reader other(bytes);
    other.read(numbers);
    EXPECT_FALSE(other.ok()) << claimed;
    EXPECT_TRUE(numbers.empty()) << claimed;
  }
}

TEST(Codec, IsLittleEndianWithoutPadding) {
  std::vector<std::uint8_t> bytes;
  Writer(bytes).write(RangeLoaded{.model = 0x01020304, .range = 5});
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{4, 3, 2, 1, 5, 0, 0, 0}));
  bytes.clear();
  Writer(bytes).write(Text{.text = "hé"});
  EXPECT_EQ(bytes, (std::vector<std::uint8_t>{3, 0, 0, 0, 'h', 0xC3, 0xA9}));
}

template <std::size_t... kNumbers>
void cut_all(testing::TestHost& host, Random& random, std::index_sequence<kNumbers...>) {
  const auto cut = [&]<typename M>(std::uint32_t number, M) {
    typename M::Request request;
    random.fill(request);
    std::vector<std::uint8_t> bytes;
    Writer(bytes).write(request);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(host.raw(number, Bytes(bytes).first(size)), "internal") << M::kName << size;
    }
    bytes.push_back(0);
    EXPECT_EQ(host.raw(number, bytes), "internal") << M::kName << " with a byte too many";
  };
  (cut(static_cast<std::uint32_t>(kNumbers), std::tuple_element_t<kNumbers, Methods>()), ...);
}

TEST(Dispatch, MalformedRequestsAreErrors) {
  testing::TestHost host;
  const auto answer = host.tiny_answer();
  ASSERT_EQ(answer.size(), 10u);
  Random random;
  cut_all(host, random, std::make_index_sequence<std::tuple_size_v<Methods>>());
  for (const std::uint32_t method :
       {static_cast<std::uint32_t>(std::tuple_size_v<Methods>), 0xFFFFFFFFu}) {
    EXPECT_EQ(host.raw(method, {}), "internal");
  }
  EXPECT_EQ(host.tiny_answer(), answer);
}

}  // namespace
}  // namespace hearth::abi
