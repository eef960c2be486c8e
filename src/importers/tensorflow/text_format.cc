// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/text_format.h"

#include <cstring>
#include <span>

#include "edit/failure.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/text_lexer.h"
#include "importers/tensorflow/text_schema.h"
#include "importers/tensorflow/wire.h"

namespace cygnet::tensorflow {

namespace {

enum WireType : uint32_t { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

void put_tag(std::string& out, uint32_t number, WireType type) {
  put_varint(out, uint64_t{number} << 3 | type);
}

void put_bytes(std::string& out, uint32_t number, std::string_view bytes) {
  put_tag(out, number, delimited);
  put_varint(out, bytes.size());
  out += bytes;
}

template <class T>
void put_fixed(std::string& out, uint32_t number, WireType type, T value) {
  put_tag(out, number, type);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// Recursive descent over the text; each message becomes the wire bytes of its fields.
class Translator {
 public:
  explicit Translator(std::string_view text) : lexer_(text) {}

  std::string whole(TextType type) {
    std::string out;
    while (lexer_.kind() != TextLexer::Kind::end) field(type, 0, out);
    return out;
  }

 private:
  static char closing(char opening) { return opening == '{' ? '}' : '>'; }
  bool at_message() const { return lexer_.is('{') || lexer_.is('<'); }

  /// `name: value`, `name { ... }`, `name: [value, ...]` with an optional , or ; behind it.
  void field(TextType type, int depth, std::string& out) {
    if (lexer_.is('[')) {
      while (!lexer_.is(']')) {
        if (lexer_.kind() == TextLexer::Kind::end) lexer_.fail("']'");
        lexer_.next();
      }
      lexer_.next();
      lexer_.accept(':');
      skip_value(depth);
    } else {
      if (lexer_.kind() != TextLexer::Kind::word) lexer_.fail("a field's name");
      const TextField* known = find_text_field(type, lexer_.token());
      lexer_.next();
      if (!lexer_.accept(':') && !at_message()) lexer_.fail("':'");
      values(known, depth, out);
    }
    if (!lexer_.accept(',')) lexer_.accept(';');
  }

  void values(const TextField* known, int depth, std::string& out) {
    if (known == nullptr) {
      skip_value(depth);
    } else if (lexer_.accept('[')) {
      while (!lexer_.is(']')) {
        value(*known, depth, out);
        if (!lexer_.accept(',') && !lexer_.is(']')) lexer_.fail("',' or ']'");
      }
      lexer_.next();
    } else {
      value(*known, depth, out);
    }
  }

  void value(const TextField& known, int depth, std::string& out) {
    switch (known.kind) {
      case TextKind::message: {
        std::string nested;
        message(known.type, depth, nested);
        put_bytes(out, known.number, nested);
        break;
      }
      case TextKind::bytes:
        put_bytes(out, known.number, lexer_.string());
        break;
      case TextKind::varint:
        put_tag(out, known.number, varint);
        put_varint(out, lexer_.integer());
        break;
      case TextKind::data_type:
        put_tag(out, known.number, varint);
        put_varint(out, data_type());
        break;
      case TextKind::float32:
        put_fixed(out, known.number, fixed32, static_cast<float>(lexer_.real()));
        break;
      case TextKind::float64:
        put_fixed(out, known.number, fixed64, lexer_.real());
        break;
    }
  }

  void message(TextType type, int depth, std::string& out) {
    if (depth >= kMaxMessageDepth) lexer_.fail("less nesting");
    if (!at_message()) lexer_.fail("'{'");
    const char end = closing(lexer_.token()[0]);
    lexer_.next();
    while (!lexer_.accept(end)) field(type, depth + 1, out);
  }

  /// DT_FLOAT, DT_FLOAT_REF or a number.
  uint64_t data_type() {
    if (lexer_.kind() != TextLexer::Kind::word) return lexer_.integer();
    const int32_t number = find_data_type(lexer_.token());
    if (number < 0) lexer_.fail("a type such as DT_FLOAT");
    lexer_.next();
    return static_cast<uint64_t>(number);
  }

  void skip_value(int depth) {
    if (depth >= kMaxMessageDepth) lexer_.fail("less nesting");
    if (lexer_.accept('[')) {
      while (!lexer_.accept(']')) {
        skip_value(depth + 1);
        if (!lexer_.accept(',') && !lexer_.is(']')) lexer_.fail("',' or ']'");
      }
    } else if (at_message()) {
      std::string dropped;
      message(TextType::unknown, depth, dropped);
    } else if (lexer_.kind() == TextLexer::Kind::string) {
      lexer_.string();
    } else {
      lexer_.accept('-');
      if (lexer_.kind() != TextLexer::Kind::word && lexer_.kind() != TextLexer::Kind::number) {
        lexer_.fail("a value");
      }
      lexer_.next();
    }
  }

  TextLexer lexer_;
};

}  // namespace

std::string text_to_wire(std::string_view text, TextMessage message) {
  TextType type = TextType::graph;
  if (message == TextMessage::meta_graph) type = TextType::meta_graph;
  if (message == TextMessage::saved_model) type = TextType::saved_model;
  return Translator(text).whole(type);
}

}  // namespace cygnet::tensorflow
