// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <limits>

#include "cli/failure.h"
#include "cli/npy_strings.h"
#include "cli/npz.h"

namespace cygnet::cli {
namespace {

struct Form {
  const char* descr;
  Type type;
};

/// The element types, without their byte-order mark.
constexpr Form kForms[] = {{"b1", Type::boolean},   {"i1", Type::int8},       {"u1", Type::uint8},
                           {"i2", Type::int16},     {"u2", Type::uint16},     {"i4", Type::int32},
                           {"u4", Type::uint32},    {"i8", Type::int64},      {"u8", Type::uint64},
                           {"f2", Type::float16},   {"f4", Type::float32},    {"f8", Type::float64},
                           {"c8", Type::complex64}, {"c16", Type::complex128}};

constexpr char kMagic[] = "\x93NUMPY";
constexpr size_t kMagicBytes = 6;
constexpr size_t kMaxHeader = 65536;
constexpr size_t kAlignment = 64;

/// What the header of an .npy file says.
struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Reads the header's text, a Python dictionary of three known keys.
class HeaderParser {
 public:
  HeaderParser(std::string_view text_in, const std::string& where)
      : rest_(text_in), where_(where) {}

  Header parse() {
    Header header;
    bool seen[3] = {};
    expect('{');
    while (!take('}')) {
      std::string key = string();
      expect(':');
      if (key == "descr") {
        mark(&seen[0], key);
        if (peek() == '[') fail("structured element types are not supported");
        header.descr = string();
      } else if (key == "fortran_order") {
        mark(&seen[1], key);
        header.fortran_order = boolean();
      } else if (key == "shape") {
        mark(&seen[2], key);
        header.shape = tuple();
      } else {
        fail(text("unknown key '", key, "'"));
      }
      if (!take(',') && peek() != '}') fail("expected ',' or '}'");
    }
    if (peek() != '\0') fail("text after the dictionary");
    if (!seen[0] || !seen[1] || !seen[2]) fail("needs the keys descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Failure(text(where_, ": malformed .npy header: ", what));
  }

  void mark(bool* seen, const std::string& key) const {
    if (*seen) fail(text("key '", key, "' comes twice"));
    *seen = true;
  }

  /// The next character that is no white space; 0 at the end.
  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_[0];
  }

  bool take(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(text("expected '", c, "'"));
  }

  std::string string() {
    char quote = peek();
    if (quote != '\'' && quote != '"') fail("expected a quoted string");
    size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) fail("a string does not end");
    std::string result(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return result;
  }

  bool boolean() {
    peek();
    for (bool value : {false, true}) {
      std::string_view word = value ? "True" : "False";
      if (rest_.substr(0, word.size()) != word) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    fail("expected True or False");
  }

  int64_t integer() {
    peek();
    size_t digits = 0;
    int64_t value = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, rest_[digits] - '0', &value)) {
        fail("a dimension is too large");
      }
    }
    if (digits == 0) fail("expected a dimension");
    rest_.remove_prefix(digits);
    return value;
  }

  std::vector<int64_t> tuple() {
    constexpr size_t kMaxDimensions = 64;
    std::vector<int64_t> result;
    expect('(');
    while (!take(')')) {
      result.push_back(integer());
      if (result.size() > kMaxDimensions) fail("too many dimensions");
      if (!take(',') && (peek() != ')' || result.size() == 1)) fail("expected ','");
    }
    return result;
  }

  std::string_view rest_;
  const std::string& where_;
};

const Form& form_of(const std::string& descr, const std::string& where) {
  if (descr.size() >= 2) {
    std::string_view code = std::string_view(descr).substr(1);
    for (const Form& form : kForms) {
      if (code != form.descr) continue;
      bool is_byte = type_bits(form.type) == 8;
      if (descr[0] == '<' || (is_byte && descr[0] == '|')) return form;
      if (descr[0] == '>') {
        throw Failure(text(where, ": big-endian arrays ('", descr, "') are not supported"));
      }
    }
  }
  throw Failure(text(where, ": arrays of type '", descr, "' are not supported"));
}

/// The data's size, which must be what is left of the file.
size_t data_bytes(const Header& header, size_t element, size_t available,
                  const std::string& where) {
  uint64_t bytes = element;
  bool empty = false;
  for (int64_t d : header.shape) {
    if (d == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(d), &bytes) ||
               bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      throw Failure(text(where, ": shape ", dims_text(header.shape), " is too large"));
    }
  }
  if (empty) bytes = 0;
  if (bytes != available) {
    throw Failure(text(where, ": shape ", dims_text(header.shape), " of type '", header.descr,
                       "' needs ", bytes, " bytes, but there are ", available));
  }
  return available;
}

/// Rearranges elements from Fortran order (first index fastest) to C order.
std::vector<uint8_t> to_c_order(std::span<const uint8_t> data, const std::vector<int64_t>& shape,
                                size_t element) {
  std::vector<uint8_t> result(data.size());
  std::vector<size_t> strides(shape.size());
  size_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    strides[i] = stride;
    stride *= static_cast<size_t>(shape[i]);
  }
  std::vector<int64_t> index(shape.size(), 0);
  size_t from = 0;
  for (size_t to = 0; to < data.size(); to += element) {
    std::memcpy(&result[to], &data[from * element], element);
    for (size_t i = shape.size(); i-- > 0;) {
      from += strides[i];
      if (++index[i] < shape[i]) break;
      from -= strides[i] * static_cast<size_t>(shape[i]);
      index[i] = 0;
    }
  }
  return result;
}

/// The header's text and the offset of the data.
std::string_view header_text(std::span<const uint8_t> bytes, const std::string& where,
                             size_t* data_offset) {
  auto truncated = [&] { return Failure(text(where, ": the .npy header is cut off")); };
  if (bytes.size() < kMagicBytes + 4) throw truncated();
  if (std::memcmp(bytes.data(), kMagic, kMagicBytes) != 0) {
    throw Failure(text(where, ": not an .npy array"));
  }
  int major = bytes[6];
  if (major < 1 || major > 3 || bytes[7] != 0) {
    throw Failure(
        text(where, ": version ", major, ".", int{bytes[7]}, " of .npy is not supported"));
  }
  size_t length = bytes[8] | size_t{bytes[9]} << 8;
  size_t start = 10;
  if (major > 1) {
    if (bytes.size() < 12) throw truncated();
    length |= size_t{bytes[10]} << 16 | size_t{bytes[11]} << 24;
    start = 12;
  }
  if (length > kMaxHeader) throw Failure(text(where, ": the .npy header has ", length, " bytes"));
  if (length > bytes.size() - start) throw truncated();
  *data_offset = start + length;
  return {reinterpret_cast<const char*>(bytes.data()) + start, length};
}

}  // namespace

bool has_npy_form(Type type) {
  if (type == Type::string) return true;
  for (const Form& form : kForms)
    if (form.type == type) return true;
  return false;
}

Array decode_npy(std::span<const uint8_t> bytes, const std::string& where) {
  size_t offset = 0;
  Header header = HeaderParser(header_text(bytes, where, &offset), where).parse();
  const size_t string_bytes = npy_string_bytes(header.descr);
  Array array;
  array.type = string_bytes > 0 ? Type::string : form_of(header.descr, where).type;
  array.shape = header.shape;
  size_t element = string_bytes > 0 ? string_bytes : static_cast<size_t>(type_bits(array.type)) / 8;
  std::span<const uint8_t> data = bytes.subspan(offset);
  data_bytes(header, element, data.size(), where);
  if (header.fortran_order && header.shape.size() > 1) {
    array.data = to_c_order(data, header.shape, element);
  } else {
    array.data.assign(data.begin(), data.end());
  }
  if (string_bytes > 0)
    array.data = pack_strings(read_npy_strings(header.descr, element, array.data, where));
  return array;
}

std::vector<uint8_t> encode_npy(const Array& array) {
  std::string descr;
  for (const Form& form : kForms)
    if (form.type == array.type)
      descr = (type_bits(form.type) == 8 ? '|' : '<') + std::string(form.descr);
  std::vector<uint8_t> strings;
  if (array.type == Type::string) strings = write_npy_strings(array.data, &descr);
  const std::vector<uint8_t>& data = array.type == Type::string ? strings : array.data;
  if (descr.empty()) {
    throw Failure(text("type ", type_name(array.type), " has no form in .npy files"));
  }
  std::string shape;
  for (int64_t d : array.shape) shape += text(d, array.shape.size() == 1 ? "," : ", ");
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  std::string header =
      text("{'descr': '", descr, "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr size_t kFixed = 10;
  header.append((kAlignment - (kFixed + header.size() + 1) % kAlignment) % kAlignment, ' ');
  header += '\n';

  std::vector<uint8_t> bytes(kMagic, kMagic + kMagicBytes);
  bytes.reserve(kFixed + header.size() + data.size());
  bytes.insert(bytes.end(), {1, 0, static_cast<uint8_t>(header.size()),
                             static_cast<uint8_t>(header.size() >> 8)});
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

}  // namespace cygnet::cli
