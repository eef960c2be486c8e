// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cygnet::tensorflow {

/// The tokens of protobuf's text format. Malformed text throws Failure (rule I1) with the line.
class TextLexer {
 public:
  enum class Kind { end, word, number, string, symbol };

  explicit TextLexer(std::string_view text);

  Kind kind() const { return kind_; }
  /// The token as written: a word, a number without sign, one of {}[]<>:;,-./
  std::string_view token() const { return token_; }
  bool is(char symbol) const { return kind_ == Kind::symbol && token_[0] == symbol; }
  /// Goes to the next token.
  void next();
  /// Goes on if the token is that symbol.
  bool accept(char symbol);
  void require(char symbol);

  /// A string and those right behind it, joined, escapes resolved.
  std::string string();
  /// A number with an optional minus; also the words true, false.
  uint64_t integer();
  /// A number with an optional minus; also the words inf, infinity, nan.
  double real();

  [[noreturn]] void fail(std::string_view expected) const;

 private:
  void skip_space();
  void unescape(std::string& out);
  uint32_t digits(int base, size_t most);

  std::string_view text_;
  size_t at_ = 0;  ///< behind the token
  size_t line_ = 1;
  Kind kind_ = Kind::end;
  std::string_view token_;
};

}  // namespace cygnet::tensorflow
