// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "base/status.h"
#include "ops/flex_map.h"

namespace cygnet::ops {

/// A whole number in [low, high] that custom options must have; the fraction of a number that has
/// one is cut off, as LiteRT's reader does. Errors: C10.
inline Status flex_integer(const FlexMap& options, const char* key, int64_t low, int64_t high,
                           int64_t* out) {
  const FlexValue value = options.find(key);
  double number = 0;
  if (!value.present() || !value.real(&number))
    return bad_model("C10: option \"%s\": expected a number", key);
  number = std::trunc(number);
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)))
    return bad_model("C10: option \"%s\": expected %lld to %lld, got %g", key,
                     static_cast<long long>(low), static_cast<long long>(high), number);
  *out = static_cast<int64_t>(number);
  return {};
}

/// A number that custom options must have, finite as a float. Errors: C10.
inline Status flex_float(const FlexMap& options, const char* key, float* out) {
  const FlexValue value = options.find(key);
  double number = 0;
  if (!value.present() || !value.real(&number))
    return bad_model("C10: option \"%s\": expected a number", key);
  *out = static_cast<float>(number);
  if (std::isfinite(*out)) return {};
  return bad_model("C10: option \"%s\": expected a finite number, got %g", key, number);
}

}  // namespace cygnet::ops
