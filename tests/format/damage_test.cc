// SPDX-License-Identifier: Apache-2.0
// Damaged files never do more than fail.
#include "format/rule_checks.h"
#include "runtime/interpreter.h"

namespace cygnet::test {
namespace {

TEST(Damage, Truncation) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(
        load(TestImage({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)})).ok() &&
        size + 16 < bytes.size())
        << size;
}

TEST(Damage, EveryByteFlipped) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int value : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> copy = bytes;
      copy[at] = static_cast<uint8_t>(copy[at] ^ value);
      const TestImage image(copy);
      Model model;
      if (!Model::from_memory({image.data(), image.size()}, "m", builtin_ops(),
                              {.limits = Limits::untrusted()}, &model)
               .ok())
        continue;
      Interpreter interpreter;
      if (!interpreter.create(model, {}).ok() || !interpreter.allocate().ok()) continue;
      static_cast<void>(interpreter.invoke().ok());
    }
}

}  // namespace
}  // namespace cygnet::test
