// The steps of decoders: see decoder.h, which says what each does.
#include "text/decoder.h"

#include <algorithm>
#include <optional>

#include "text/byte_level.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace hearth {

// Takes tokens in pieces: text, more text, the token's end.
class DecoderChain::Stage {
 public:
  virtual ~Stage() = default;
  virtual void text(std::string_view piece) = 0;
  virtual void end_token() = 0;
  virtual void finish() { next_->finish(); }
  void set_next(Stage* next) { next_ = next; }

 protected:
  void give(std::string_view token) {
    next_->text(token);
    next_->end_token();
  }
  Stage* next_ = nullptr;
};

class DecoderChain::Sink final : public Stage {
 public:
  void text(std::string_view piece) override { *out += piece; }
  void end_token() override {}
  void finish() override {}
  std::string* out = nullptr;
};

namespace {

using Stage = DecoderChain::Stage;
using Kind = DecoderStep::Kind;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done);
    out += to;
    done = at + from.size();
  }
  if (done == 0) return;
  out.append(text, done);
  text = std::move(out);
}

// What English spelling has no spaces in, as transformers' clean_up_tokenization does it.
void tidy(std::string& text) {
  static constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kRules) replace_all(text, from, to);
}

// Looks at whole tokens.
class TokenStage : public Stage {
 public:
  explicit TokenStage(bool after_text = false) : index_(after_text ? 1 : 0) {}
  void text(std::string_view piece) final { held_ += piece; }
  void end_token() final {
    std::string token;
    token.swap(held_);
    this->token(std::move(token));
    ++index_;
  }

 protected:
  virtual void token(std::string token) = 0;
  std::size_t index() const { return index_; }

 private:
  std::string held_;
  std::size_t index_;
};

class ByteLevelStage final : public TokenStage {
 public:
  void finish() override {
    std::string rest;
    decoder_.finish(rest);
    give(rest);
    next_->finish();
  }

 private:
  void token(std::string token) override {
    std::string bytes;
    if (!append_byte_level_decoded(token, bytes)) bytes = std::move(token);
    std::string text;
    decoder_.push(bytes, text);
    if (!text.empty()) next_->text(text);
  }
  StreamDecoder decoder_;
};

// A run of bytes is text only if all of it is, and so is held until it ends.
class ByteFallbackStage final : public TokenStage {
 public:
  void finish() override {
    end_run();
    next_->finish();
  }

 private:
  static std::optional<int> digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
  }
  void token(std::string token) override {
    if (token.size() == 6 && token.starts_with("<0x") && token[5] == '>') {
      const auto high = digit(token[3]);
      const auto low = digit(token[4]);
      if (high && low) {
        run_.push_back(static_cast<char>(*high * 16 + *low));
        return;
      }
    }
    end_run();
    give(token);
  }
  void end_run() {
    if (run_.empty()) return;
    if (is_valid_utf8(run_)) {
      give(run_);
    } else {
      for (std::size_t i = 0; i < run_.size(); ++i) give(kReplacementUtf8);
    }
    run_.clear();
  }
  std::string run_;
};

class FuseStage final : public Stage {
 public:
  void text(std::string_view piece) override { next_->text(piece); }
  void end_token() override {}
  void finish() override {
    next_->end_token();
    next_->finish();
  }
};

class JoinStage final : public Stage {
 public:
  explicit JoinStage(const DecoderStep& step) : between_(step.text) {}
  void text(std::string_view piece) override {
    if (due_) next_->text(between_);
    due_ = false;
    next_->text(piece);
  }
  void end_token() override {
    if (due_) next_->text(between_);  // the token was empty
    due_ = true;
  }
  void finish() override {
    next_->end_token();
    next_->finish();
  }

 private:
  std::string between_;
  bool due_ = false;
};

class StripStage final : public Stage {
 public:
  StripStage(const DecoderStep& step, bool after_text) : step_(step), at_start_(!after_text) {}
  void text(std::string_view piece) override {
    const std::string_view content = step_.text;
    while (at_start_ && stripped_ < step_.start && !content.empty() && piece.starts_with(content)) {
      piece.remove_prefix(content.size());
      ++stripped_;
    }
    if (piece.empty()) return;
    at_start_ = false;
    if (step_.stop == 0 || content.empty()) {
      next_->text(piece);
      return;
    }
    // The last of a run of the character may be the token's last.
    held_ += piece;
    std::size_t keep = 0;
    while (keep < step_.stop && held_.size() >= (keep + 1) * content.size() &&
           held_.compare(held_.size() - (keep + 1) * content.size(), content.size(), content) ==
               0) {
      ++keep;
    }
    const std::size_t certain = held_.size() - keep * content.size();
    if (certain > 0) next_->text(std::string_view(held_).substr(0, certain));
    held_.erase(0, certain);
  }
  void end_token() override {
    held_.clear();
    at_start_ = true;
    stripped_ = 0;
    next_->end_token();
  }

 private:
  DecoderStep step_;
  bool at_start_;
  std::size_t stripped_ = 0;
  std::string held_;  // at most `stop` of the character
};

class ReplaceStage final : public Stage {
 public:
  explicit ReplaceStage(const DecoderStep& step) : step_(step) {}
  void text(std::string_view piece) override {
    if (step_.text.empty()) {
      next_->text(piece);
      return;
    }
    held_ += piece;
    std::size_t done = 0;
    for (std::size_t at = held_.find(step_.text); at != std::string::npos;
         at = held_.find(step_.text, done)) {
      if (done < at) next_->text(std::string_view(held_).substr(done, at - done));
      if (!step_.content.empty()) next_->text(step_.content);
      done = at + step_.text.size();
    }
    // The end may be the start of another.
    std::size_t tail = std::min(step_.text.size() - 1, held_.size() - done);
    while (tail > 0 &&
           !step_.text.starts_with(std::string_view(held_).substr(held_.size() - tail))) {
      --tail;
    }
    const std::size_t certain = held_.size() - tail;
    if (done < certain) next_->text(std::string_view(held_).substr(done, certain - done));
    held_.erase(0, certain);
  }
  void end_token() override {
    if (!held_.empty()) next_->text(held_);
    held_.clear();
    next_->end_token();
  }

 private:
  DecoderStep step_;
  std::string held_;  // less than the pattern
};

class ReplaceRegexStage final : public TokenStage {
 public:
  explicit ReplaceRegexStage(const DecoderStep& step) : step_(step) {}

 private:
  void token(std::string token) override {
    RegexSearch search(*step_.regex, token);
    std::string out;
    std::size_t done = 0;
    while (const auto match = search.next()) {
      out.append(token, done, match->begin - done);
      out += step_.content;
      done = match->end;
    }
    out.append(token, done);
    give(out);
  }
  DecoderStep step_;
};

class MetaspaceStage final : public TokenStage {
 public:
  MetaspaceStage(const DecoderStep& step, bool after_text) : TokenStage(after_text), step_(step) {}

 private:
  void token(std::string token) override {
    replace_all(token, step_.text, index() == 0 && step_.flag ? "" : " ");
    give(token);
  }
  DecoderStep step_;
};

class WordPieceStage final : public TokenStage {
 public:
  WordPieceStage(const DecoderStep& step, bool after_text) : TokenStage(after_text), step_(step) {}

 private:
  void token(std::string token) override {
    if (index() != 0) {
      if (token.starts_with(step_.text)) {
        token.erase(0, step_.text.size());
      } else {
        token.insert(0, " ");
      }
    }
    if (step_.flag) tidy(token);
    give(token);
  }
  DecoderStep step_;
};

class BpeStage final : public TokenStage {
 public:
  explicit BpeStage(const DecoderStep& step) : step_(step) {}
  void finish() override {
    end_held("");
    next_->finish();
  }

 private:
  void token(std::string token) override {
    end_held(" ");
    // What is before the first suffix is certain.
    const std::size_t at = step_.text.empty() ? token.size() : token.find(step_.text);
    const std::size_t certain = std::min(at, token.size());
    if (certain > 0) next_->text(std::string_view(token).substr(0, certain));
    held_ = token.substr(certain);
    open_ = true;
  }
  void end_held(std::string_view content) {
    if (!open_) return;
    replace_all(held_, step_.text, content);
    if (!held_.empty()) next_->text(held_);
    next_->end_token();
  }
  DecoderStep step_;
  std::string held_;
  bool open_ = false;
};

class CtcStage final : public TokenStage {
 public:
  explicit CtcStage(const DecoderStep& step) : step_(step) {}

 private:
  void token(std::string token) override {
    if (last_ == token) return;
    last_ = token;
    replace_all(token, step_.text, "");
    if (step_.flag) {
      tidy(token);
      replace_all(token, step_.content, " ");
    }
    if (!token.empty()) give(token);
  }
  DecoderStep step_;
  std::optional<std::string> last_;
};

std::unique_ptr<Stage> make_stage(const DecoderStep& step, bool after_text, bool one_token) {
  switch (step.kind) {
    case Kind::kByteLevel:
      return std::make_unique<ByteLevelStage>();
    case Kind::kByteFallback:
      return std::make_unique<ByteFallbackStage>();
    case Kind::kFuse:
      return std::make_unique<FuseStage>();
    case Kind::kStrip:
      return std::make_unique<StripStage>(step, after_text && one_token);
    case Kind::kReplace:
      return std::make_unique<ReplaceStage>(step);
    case Kind::kReplaceRegex:
      return std::make_unique<ReplaceRegexStage>(step);
    case Kind::kMetaspace:
      return std::make_unique<MetaspaceStage>(step, after_text);
    case Kind::kWordPiece:
      return std::make_unique<WordPieceStage>(step, after_text);
    case Kind::kBpe:
      return std::make_unique<BpeStage>(step);
    case Kind::kCtc:
      return std::make_unique<CtcStage>(step);
    case Kind::kJoin:
      return std::make_unique<JoinStage>(step);
  }
  return nullptr;
}

}  // namespace

DecoderChain::DecoderChain(const std::vector<DecoderStep>& steps, bool after_text)
    : sink_(std::make_unique<Sink>()) {
  bool one_token = false;  // earlier steps make one token of all
  for (const DecoderStep& step : steps) {
    stages_.push_back(make_stage(step, after_text, one_token));
    one_token |=
        step.kind == Kind::kByteLevel || step.kind == Kind::kFuse || step.kind == Kind::kJoin;
  }
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    stages_[i]->set_next(i + 1 < stages_.size() ? stages_[i + 1].get() : sink_.get());
  }
}
DecoderChain::~DecoderChain() = default;
DecoderChain::DecoderChain(DecoderChain&&) noexcept = default;
DecoderChain& DecoderChain::operator=(DecoderChain&&) noexcept = default;

void DecoderChain::push(std::string_view token, std::string& out) {
  sink_->out = &out;
  Stage& first = stages_.empty() ? *sink_ : *stages_.front();
  first.text(token);
  first.end_token();
}

void DecoderChain::finish(std::string& out) {
  sink_->out = &out;
  Stage& first = stages_.empty() ? static_cast<Stage&>(*sink_) : *stages_.front();
  first.finish();
}

}  // namespace hearth
