// SPDX-License-Identifier: Apache-2.0
// SKIP_GRAM: the word sequences of a text, words left out between them.
//   input 0: string, at least one element, of which the first is the text; output 0: string [how
//   many], the words of each sequence joined by a blank
// Options: ngram_size, words of a sequence; max_skip_size, how many words may be left out between
// two neighbours; include_all_ngrams: shorter sequences too, each behind those that it begins.
// Words are what lies between white space. A text of fewer words than ngram_size has no sequences.
// Source: TFLite's kernel, LiteRT 2.3.
#include "base/vector.h"
#include "ops/check.h"
#include "ops/strings.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// Beyond these, sequences would hardly fit into a tensor's 2^31 bytes.
constexpr int kMostWords = 64;
constexpr size_t kMostBytes = size_t{1} << 28;

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// The words of a text one after another; white space at the very beginning belongs to the first
// word, as TensorFlow Lite has it.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}
  bool next(std::string_view* word) {
    for (size_t end = begin_ == 0 ? 1 : begin_; end < text_.size(); ++end) {
      if (!is_space(text_[end])) continue;
      const bool is_word = end > begin_ && !is_space(text_[begin_]);
      *word = {text_.data() + begin_, end - begin_};
      begin_ = end + 1;
      if (is_word) return true;
    }
    if (begin_ >= text_.size()) return false;
    *word = {text_.data() + begin_, text_.size() - begin_};
    begin_ = text_.size();
    return true;
  }

 private:
  std::string_view text_;
  size_t begin_ = 0;
};

struct Grams {
  Vector<std::string_view> words;
  Vector<char> text;    // of all sequences
  Vector<size_t> ends;  // in `text`
};

// Appends words [stack] as a sequence.
Status add_gram(const Vector<std::string_view>& words, const int* stack, int n, Grams* out) {
  size_t bytes = static_cast<size_t>(n - 1);
  for (int i = 0; i < n; ++i) bytes += words[static_cast<size_t>(stack[i])].size();
  const size_t wanted = out->text.size() + bytes;
  if (wanted > kMostBytes)
    return Status::error(Code::limit, "T3: output 0: strings of more than %zu bytes in all",
                         kMostBytes);
  const bool fits = wanted <= out->text.capacity() ||
                    reserve_or_fail(out->text, std::max(wanted, 2 * out->text.capacity()));
  const bool listed = out->ends.size() < out->ends.capacity() ||
                      reserve_or_fail(out->ends, 2 * out->ends.capacity() + 16);
  if (!fits || !listed) return out_of_memory("sequences", wanted);
  for (int i = 0; i < n; ++i) {
    const std::string_view word = words[static_cast<size_t>(stack[i])];
    if (i > 0) out->text.push_back(' ');
    out->text.insert(out->text.end(), word.begin(), word.end());
  }
  out->ends.push_back(out->text.size());
  return {};
}

Status collect(const OpContext& op, Grams* out) {
  const auto& options = op.options<schema::SkipGramOptions>();
  const int size = options.ngram_size(), count = static_cast<int>(out->words.size());
  if (count < size) return {};
  // stack[0, depth) are the words of the sequence; stack[depth] is the word to go on behind.
  int stack[kMostWords + 1] = {};
  stack[1] = 0;
  for (int depth = 1; depth >= 0;) {
    // Words that a sequence needs behind the next one; shorter sequences need none.
    const int rest = options.include_all_ngrams() ? 0 : size - depth - 1;
    const bool room = depth < size && stack[depth] + 1 + rest < count;
    const bool near =
        depth == 0 || (room && int64_t{stack[depth]} - stack[depth - 1] <= options.max_skip_size());
    if (room && near) {
      ++stack[depth++];
      if (depth < size) stack[depth] = stack[depth - 1];
      continue;
    }
    const bool wanted = options.include_all_ngrams() ? depth <= size : depth == size;
    if (depth > 0 && wanted) CYGNET_TRY(add_gram(out->words, stack, depth, out));
    if (op.stopped()) return {};
    --depth;
  }
  return {};
}

Status read_words(const OpContext& op, Grams* out) {
  const std::string_view text = Strings(op.input(0))[0];
  std::string_view word;
  size_t count = 0;
  for (Words words(text); words.next(&word);) ++count;
  if (!reserve_or_fail(out->words, count)) return out_of_memory("words", count * sizeof(word));
  for (Words words(text); words.next(&word);) out->words.push_back(word);
  return {};
}

Status infer(OpContext& op) {
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::string}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::string}));
  const auto& options = op.options<schema::SkipGramOptions>();
  CYGNET_TRY(expect_range("ngram_size", options.ngram_size(), 1, kMostWords));
  CYGNET_TRY(expect_range("max_skip_size", options.max_skip_size(), 0, INT32_MAX));
  if (op.input(0).shape.elements() < 1) return bad_model("input 0: expected a text, got none");
  if (!op.known(0)) return op.defer();
  Grams grams;
  CYGNET_TRY(read_words(op, &grams));
  CYGNET_TRY(collect(op, &grams));
  return op.set_output(0, Shape{static_cast<int32_t>(grams.ends.size())});
}

Status invoke(OpContext& op) {
  Grams grams;
  CYGNET_TRY(read_words(op, &grams));
  CYGNET_TRY(collect(op, &grams));
  const auto gram = [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    const size_t begin = k == 0 ? 0 : grams.ends[k - 1];
    return std::string_view(grams.text.data() + begin, grams.ends[k] - begin);
  };
  return write_strings(op, 0, op.output(0).shape.elements(), gram);
}

}  // namespace

extern const OpDef kSkipGram;
const OpDef kSkipGram = {
    .name = "SKIP_GRAM",
    .builtin = 30,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SkipGramOptions),
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
