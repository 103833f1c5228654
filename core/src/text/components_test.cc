// Components of tokenizer.json, each against what the tokenizers library (0.23.3) makes of it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/json_components.h"
#include "text/rewriter.h"

namespace hearth {
namespace {

struct Case {
  const char* json;
  std::string_view text;
  std::string_view result;  // of words, with a bar between two
  std::string_view spans;   // in bytes, of each character or word of the result
};

std::string show(const Span& span) {
  return std::to_string(span.begin) + "-" + std::to_string(span.end);
}

// Bytes past ASCII are in octal, which ends after three digits.
const Case kNormalizers[] = {
    {R"({"type":"NFC"})", "e\314\201\314\243A\314\212", "\341\272\271\314\201\303\205",
     "0-1 3-5 5-6"},
    {R"({"type":"NFC"})",
     "\341\270\213\314\243\342\204\253\352\260\201\341\204\200\341\205\241\341\206\250",
     "\341\270\215\314\207\303\205\352\260\201\352\260\201", "0-3 3-5 5-8 8-11 11-14"},
    {R"({"type":"NFC"})", "\357\254\201\302\275\343\216\204 a",
     "\357\254\201\302\275\343\216\204 a", "0-3 3-5 5-8 8-9 9-10"},
    {R"({"type":"NFD"})", "e\314\201\314\243A\314\212", "e\314\243\314\201A\314\212",
     "0-1 1-3 3-5 5-6 6-8"},
    {R"({"type":"NFD"})",
     "\341\270\213\314\243\342\204\253\352\260\201\341\204\200\341\205\241\341\206\250",
     "d\314\243\314\207A\314\212\341\204\200\341\205\241\341\206\250\341\204\200\341\205\241\341"
     "\206\250",
     "0-3 3-5 3-5 5-8 5-8 8-11 8-11 8-11 11-14 14-17 17-20"},
    {R"({"type":"NFD"})", "\357\254\201\302\275\343\216\204 a",
     "\357\254\201\302\275\343\216\204 a", "0-3 3-5 5-8 8-9 9-10"},
    {R"({"type":"NFKC"})", "e\314\201\314\243A\314\212", "\341\272\271\314\201\303\205",
     "0-1 3-5 5-6"},
    {R"({"type":"NFKC"})",
     "\341\270\213\314\243\342\204\253\352\260\201\341\204\200\341\205\241\341\206\250",
     "\341\270\215\314\207\303\205\352\260\201\352\260\201", "0-3 3-5 5-8 8-11 11-14"},
    {R"({"type":"NFKC"})", "\357\254\201\302\275\343\216\204 a", "fi1\342\201\2042kA a",
     "0-3 0-3 3-5 3-5 3-5 5-8 5-8 8-9 9-10"},
    {R"({"type":"NFKD"})", "e\314\201\314\243A\314\212", "e\314\243\314\201A\314\212",
     "0-1 1-3 3-5 5-6 6-8"},
    {R"({"type":"NFKD"})",
     "\341\270\213\314\243\342\204\253\352\260\201\341\204\200\341\205\241\341\206\250",
     "d\314\243\314\207A\314\212\341\204\200\341\205\241\341\206\250\341\204\200\341\205\241\341"
     "\206\250",
     "0-3 3-5 3-5 5-8 5-8 8-11 8-11 8-11 11-14 14-17 17-20"},
    {R"({"type":"NFKD"})", "\357\254\201\302\275\343\216\204 a", "fi1\342\201\2042kA a",
     "0-3 0-3 3-5 3-5 3-5 5-8 5-8 8-9 9-10"},
    {R"({"type":"Lowercase"})", "A\304\260\316\243\341\272\236 z", "ai\314\207\317\203\303\237 z",
     "0-1 1-3 1-3 3-5 5-8 8-9 9-10"},
    {R"({"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]})",
     "\303\251a\314\201 \340\244\225\340\244\277", "ea \340\244\225", "0-2 2-3 5-6 6-9"},
    {R"({"type":"Strip","strip_left":true,"strip_right":true})", " \343\200\200ab \012", "ab",
     "4-5 5-6"},
    {R"({"type":"Strip","strip_left":true,"strip_right":true})", "  ", "", ""},
    {R"({"type":"Strip","strip_left":false,"strip_right":true})", " \303\251 \343\200\200",
     " \303\251", "0-1 1-3"},
    {R"({"type":"Strip","strip_left":false,"strip_right":true})", " ", "", ""},
    {R"({"type":"Prepend","prepend":"\u2581x"})", "\303\251a", "\342\226\201x\303\251a",
     "0-2 0-2 0-2 2-3"},
    {R"({"type":"Prepend","prepend":"\u2581x"})", "", "", ""},
    {R"({"type":"Replace","pattern":{"String":"ab"},"content":"\u2581"})", "abcabab",
     "\342\226\201c\342\226\201\342\226\201", "1-2 2-3 4-5 6-7"},
    {R"({"type":"Replace","pattern":{"String":"ab"},"content":"\u2581"})", "b", "b", "0-1"},
    {R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":"_"})", "a \012 b", "a_b",
     "0-1 3-4 4-5"},
    {R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":"_"})", "ab", "ab", "0-1 1-2"},
    {R"({"type":"Nmt"})", "a\001b\342\200\213\011c\302\255", "ab  c\302\255",
     "0-1 2-3 3-6 6-7 7-8 8-10"},
    {R"({"type":"ByteLevel"})", "\303\251 a", "\303\203\302\251\304\240a", "0-2 0-2 2-3 3-4"},
    {R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true})",
     "\303\211\344\270\255\007\011\342\200\213\357\277\275B", "e \344\270\255  b",
     "0-2 2-5 2-5 2-5 6-7 13-14"},
    {R"({"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":false,"strip_accents":true,"lowercase":false})",
     "\303\211\344\270\255", "E\344\270\255", "0-2 2-5"},
};

TEST(Components, NormalizersChangeTextsAndKnowWhereTheyWere) {
  for (const Case& c : kNormalizers) {
    const auto json = nlohmann::json::parse(c.json);
    const auto normalizer = read_normalizer(&json);
    ASSERT_TRUE(normalizer) << normalizer.error().message;
    for (const bool tracked : {false, true}) {
      const Slice slice{.text = c.text, .tracked = tracked};
      AlignedText out;
      out.start(slice);
      const bool changed = normalizer->normalizer->apply(slice, out);
      const Slice result = changed ? out.slice() : slice;
      EXPECT_EQ(result.text, c.result) << c.json;
      if (!tracked) continue;
      std::string spans;
      for_each_character(result.text, [&](char32_t, std::size_t begin, std::size_t end) {
        spans += (spans.empty() ? "" : " ") + show(result.span(begin, end));
      });
      EXPECT_EQ(spans, c.spans) << c.json << c.text;
    }
  }
}

const Case kPreTokenizers[] = {
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":true})",
     "a  b", "\342\226\201a|\342\226\201|\342\226\201b", "0-1 1-2 2-4"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":true})",
     "\342\226\201a", "\342\226\201a", "0-4"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":true})", " a",
     "\342\226\201a", "0-2"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true})", "a  b",
     "\342\226\201a|\342\226\201|\342\226\201b", "0-1 1-2 2-4"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true})",
     "\342\226\201a", "\342\226\201a", "0-4"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true})", " a",
     "\342\226\201a", "0-2"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"never","split":true})", "a  b",
     "a|\342\226\201|\342\226\201b", "0-1 1-2 2-4"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"never","split":true})",
     "\342\226\201a", "\342\226\201a", "0-4"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"never","split":true})", " a",
     "\342\226\201a", "0-2"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":false})",
     "a b", "\342\226\201a\342\226\201b", "0-3"},
    {R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true}]})",
     "a b", "\342\226\201a|b", "0-1 2-3"},
    {R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true}]})",
     " a", "a", "1-2"},
    {R"({"type":"Whitespace"})", "a_1 b!\?\303\251 \314\201x", "a_1|b|!\?|\303\251|\314\201x",
     "0-3 4-5 5-7 7-9 10-13"},
    {R"({"type":"BertPreTokenizer"})", "it's a--b\343\200\201 c$",
     "it|'|s|a|-|-|b|\343\200\201|c|$", "0-2 2-3 3-4 5-6 6-7 7-8 8-9 9-12 13-14 14-15"},
    {R"({"type":"Punctuation","behavior":"Removed"})", "!!a,b.", "a|b", "2-3 4-5"},
    {R"({"type":"Split","pattern":{"String":"ab"},"behavior":"Removed","invert":false})",
     "abxababy", "x|y", "2-3 7-8"},
    {R"({"type":"Punctuation","behavior":"Isolated"})", "!!a,b.", "!|!|a|,|b|.",
     "0-1 1-2 2-3 3-4 4-5 5-6"},
    {R"({"type":"Split","pattern":{"String":"ab"},"behavior":"Isolated","invert":false})",
     "abxababy", "ab|x|ab|ab|y", "0-2 2-3 3-5 5-7 7-8"},
    {R"({"type":"Punctuation","behavior":"MergedWithPrevious"})", "!!a,b.", "!|!|a,|b.",
     "0-1 1-2 2-4 4-6"},
    {R"({"type":"Split","pattern":{"String":"ab"},"behavior":"MergedWithPrevious","invert":false})",
     "abxababy", "ab|xab|ab|y", "0-2 2-5 5-7 7-8"},
    {R"({"type":"Punctuation","behavior":"MergedWithNext"})", "!!a,b.", "!|!a|,b|.",
     "0-1 1-3 3-5 5-6"},
    {R"({"type":"Split","pattern":{"String":"ab"},"behavior":"MergedWithNext","invert":false})",
     "abxababy", "abx|ab|aby", "0-3 3-5 5-8"},
    {R"({"type":"Punctuation","behavior":"Contiguous"})", "!!a,b.", "!!|a|,|b|.",
     "0-2 2-3 3-4 4-5 5-6"},
    {R"({"type":"Split","pattern":{"String":"ab"},"behavior":"Contiguous","invert":false})",
     "abxababy", "ab|x|abab|y", "0-2 2-3 3-7 7-8"},
    {R"({"type":"CharDelimiterSplit","delimiter":"-"})", "a--b-", "a|b", "0-1 3-4"},
    {R"({"type":"Digits","individual_digits":true})", "a12\331\243", "a|1|2|\331\243",
     "0-1 1-2 2-3 3-5"},
    {R"({"type":"FixedLength","length":2})", "a\303\251bcd", "a\303\251|bc|d", "0-3 3-5 5-6"},
    {R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},{"type":"Digits","individual_digits":true}]})",
     "\303\251 12", "\304\240\303\203\302\251|\304\240|1|2", "0-2 2-3 3-4 4-5"},
    {R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},{"type":"Digits","individual_digits":true}]})",
     "\302\262", "\304\240\303\202|\302\262", "0-2 0-2"},
};

TEST(Components, PreTokenizersCutWordsAndKnowWhereTheyWere) {
  struct Words final : WordSink {
    void word(const Slice& slice) override {
      words += (spans.empty() ? "" : "|") + std::string(slice.text);
      spans += (spans.empty() ? "" : " ") + show(slice.span(0, slice.text.size()));
    }
    std::string words;
    std::string spans;
  };
  for (const Case& c : kPreTokenizers) {
    const auto json = nlohmann::json::parse(c.json);
    const auto pre = read_pre_tokenizer(&json);
    ASSERT_TRUE(pre) << pre.error().message;
    Words words;
    pre->chain->split({.text = c.text, .tracked = true}, words);
    EXPECT_EQ(words.words, c.result) << c.json;
    EXPECT_EQ(words.spans, c.spans) << c.json << c.text;
  }
}

struct DecoderCase {
  const char* json;
  std::vector<std::string> tokens;
  std::string_view text;
};

const DecoderCase kDecoders[] = {
    {R"(null)", {"a", "b", "", "c"}, "a b  c"},
    {R"({"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true})",
     {"\303\203", "\302\251", "\304\240a", "\344\270\255", "\303\242"},
     "\303\251 a\344\270\255\357\277\275"},
    {R"({"type":"ByteFallback"})",
     {"a", "<0xE4>", "<0xB8>", "<0xAD>", "b", "<0xE4>", "<0x61>", "c", "<0xff>"},
     "a\344\270\255b\357\277\275\357\277\275c\357\277\275"},
    {R"({"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})",
     {"\342\226\201\342\226\201a", "<0x20>", "\342\226\201b"},
     " a  b"},
    {R"({"type":"Strip","content":"_","start":1,"stop":2})", {"__a___", "b_", "_c"}, "_a_bc"},
    {R"({"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"aab"},"content":"X"},{"type":"Strip","content":"_","start":0,"stop":1}]})",
     {"a", "a", "ab", "c_", "_"},
     "aXc_"},
    {R"({"type":"Replace","pattern":{"Regex":"a+"},"content":"-"})", {"aab", "ca"}, "-bc-"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always","split":true})",
     {"\342\226\201a\342\226\201", "\342\226\201b"},
     "a b"},
    {R"({"type":"Metaspace","replacement":"\u2581","prepend_scheme":"never","split":true})",
     {"\342\226\201a\342\226\201", "\342\226\201b"},
     " a  b"},
    {R"({"type":"WordPiece","prefix":"##","cleanup":true})",
     {"do", "##g", "'s", ".", "not", "n't", "##"},
     "dog's. notn't"},
    {R"({"type":"WordPiece","prefix":"##","cleanup":false})", {"a", ".", "##b"}, "a .b"},
    {R"({"type":"BPEDecoder","suffix":"</w>"})", {"a", "b</w>", "c</w>d</w>", "e</w>"}, "ab c d e"},
    {R"({"type":"CTC","pad_token":"<p>","word_delimiter_token":"|","cleanup":true})",
     {"<p>", "h", "h", "<p>", "h", "|", "|", "i"},
     "hh i"},
};

TEST(Components, DecodersGiveTextAsSoonAsItIsCertain) {
  for (const DecoderCase& c : kDecoders) {
    const auto json = nlohmann::json::parse(c.json);
    const auto steps = read_decoder(json.is_null() ? nullptr : &json);
    ASSERT_TRUE(steps) << steps.error().message;
    DecoderChain chain(*steps, false);
    std::string text;
    for (const std::string& token : c.tokens) {
      chain.push(token, text);
      // What has been given is never taken back.
      EXPECT_TRUE(c.text.starts_with(text)) << c.json << text;
    }
    chain.finish(text);
    EXPECT_EQ(text, c.text) << c.json;
  }
}

TEST(Components, DecodersAfterOtherTextKeepTheirFirstSpace) {
  const auto text_of = [](const char* source, std::string_view token) {
    const auto json = nlohmann::json::parse(source);
    DecoderChain chain(*read_decoder(&json), true);
    std::string text;
    chain.push(token, text);
    chain.finish(text);
    return text;
  };
  EXPECT_EQ(text_of(R"({"type":"Metaspace","replacement":"_"})", "_a"), " a");
  EXPECT_EQ(text_of(R"({"type":"WordPiece","prefix":"##","cleanup":false})", "a"), " a");
  EXPECT_EQ(text_of(R"({"type":"Sequence","decoders":[{"type":"Fuse"},
                        {"type":"Strip","content":" ","start":1,"stop":0}]})",
                    " a"),
            " a");
}

}  // namespace
}  // namespace hearth
