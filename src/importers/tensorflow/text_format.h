// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cygnet::tensorflow {

/// The messages that may stand at the top of a text file.
enum class TextMessage { graph, meta_graph, saved_model };

/// Translates a message in protobuf's text format (.pbtxt) to its wire format, which the readers of
/// graph_def.h take. Fields that the readers don't know are dropped. Malformed text throws Failure
/// (rule I1) with the line.
std::string text_to_wire(std::string_view text, TextMessage message);

}  // namespace cygnet::tensorflow
