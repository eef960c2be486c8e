// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/text_lexer.h"

#include <charconv>
#include <limits>

#include "edit/failure.h"

namespace cygnet::tensorflow {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace

TextLexer::TextLexer(std::string_view text) : text_(text) {
  next();
}

void TextLexer::fail(std::string_view expected) const {
  const std::string found = kind_ == Kind::end ? "the end" : text("'", token_.substr(0, 40), "'");
  throw Failure(text("I1: line ", line_, ": expected ", expected, ", found ", found));
}

void TextLexer::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      ++line_;
    } else if (c == '#') {
      while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v') {
      return;
    }
    ++at_;
  }
}

void TextLexer::next() {
  skip_space();
  const size_t begin = at_;
  if (at_ == text_.size()) {
    kind_ = Kind::end;
  } else if (const char c = text_[at_]; c == '"' || c == '\'') {
    // string() reads on from behind the quote.
    kind_ = Kind::string;
    ++at_;
  } else if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
    kind_ = Kind::number;
    while (at_ < text_.size() &&
           (is_word(text_[at_]) || text_[at_] == '.' ||
            ((text_[at_] == '-' || text_[at_] == '+') && (text_[at_ - 1] | 0x20) == 'e'))) {
      ++at_;
    }
  } else if (is_word(c)) {
    kind_ = Kind::word;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  } else {
    kind_ = Kind::symbol;
    ++at_;
  }
  token_ = text_.substr(begin, at_ - begin);
  if (kind_ == Kind::symbol &&
      std::string_view("{}[]<>:;,-./").find(token_[0]) == std::string_view::npos) {
    fail("a field");
  }
}

bool TextLexer::accept(char symbol) {
  if (!is(symbol)) return false;
  next();
  return true;
}

void TextLexer::require(char symbol) {
  if (!accept(symbol)) fail(text("'", symbol, "'"));
}

uint32_t TextLexer::digits(int base, size_t most) {
  uint32_t value = 0;
  size_t count = 0;
  while (count < most && at_ < text_.size() && digit_value(text_[at_]) < base) {
    value = value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit_value(text_[at_++]));
    ++count;
  }
  if (count == 0) fail("digits behind a backslash");
  return value;
}

void TextLexer::unescape(std::string& out) {
  if (at_ == text_.size()) fail("a closing quote");
  const char c = text_[at_++];
  switch (c) {
    case 'n':
      out += '\n';
      break;
    case 't':
      out += '\t';
      break;
    case 'r':
      out += '\r';
      break;
    case 'a':
      out += '\a';
      break;
    case 'b':
      out += '\b';
      break;
    case 'f':
      out += '\f';
      break;
    case 'v':
      out += '\v';
      break;
    case '\\':
    case '\'':
    case '"':
    case '?':
      out += c;
      break;
    case 'x':
    case 'X':
      out += static_cast<char>(digits(16, 2));
      break;
    case 'u':
      append_utf8(out, digits(16, 4));
      break;
    case 'U':
      append_utf8(out, digits(16, 8) & 0x1FFFFF);
      break;
    default:
      if (digit_value(c) >= 8) fail("an escape sequence");
      --at_;
      out += static_cast<char>(digits(8, 3));
  }
}

std::string TextLexer::string() {
  if (kind_ != Kind::string) fail("a string");
  std::string result;
  while (kind_ == Kind::string) {
    const char quote = token_[0];
    while (true) {
      const size_t end = text_.find_first_of(quote == '"' ? "\"\\\n" : "'\\\n", at_);
      if (end == std::string_view::npos || text_[end] == '\n') fail("a closing quote");
      result.append(text_.substr(at_, end - at_));
      at_ = end + 1;
      if (text_[end] == quote) break;
      unescape(result);
    }
    next();
  }
  return result;
}

uint64_t TextLexer::integer() {
  const bool negative = accept('-');
  if (kind_ == Kind::word && !negative && (token_ == "true" || token_ == "t")) {
    next();
    return 1;
  }
  if (kind_ == Kind::word && !negative && (token_ == "false" || token_ == "f")) {
    next();
    return 0;
  }
  if (kind_ != Kind::number) fail("an integer");
  std::string_view digits = token_;
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x') {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || stop != end || (negative && value > uint64_t{1} << 63)) {
    fail("an integer of 64 bits");
  }
  next();
  return negative ? ~value + 1 : value;
}

double TextLexer::real() {
  const bool negative = accept('-');
  double value = 0;
  if (kind_ == Kind::word) {
    std::string lower(token_);
    for (char& c : lower) c = static_cast<char>(c | 0x20);
    if (lower == "inf" || lower == "infinity") {
      value = std::numeric_limits<double>::infinity();
    } else if (lower == "nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else {
      fail("a number");
    }
  } else if (kind_ == Kind::number) {
    std::string_view digits = token_;
    if ((digits.back() | 0x20) == 'f') digits.remove_suffix(1);
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (stop != end || error == std::errc::invalid_argument) fail("a number");
  } else {
    fail("a number");
  }
  next();
  return negative ? -value : value;
}

}  // namespace cygnet::tensorflow
