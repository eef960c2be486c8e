// SPDX-License-Identifier: Apache-2.0
// Operations: the calls of keras.ops, and of TensorFlow's functions in files of Keras 2, between
// the layers of a Functional model.
#pragma once

#include <initializer_list>
#include <map>
#include <string>

#include "importers/keras/layers.h"

namespace cygnet::keras {

using Operations = std::map<std::string, Emit>;

/// By class name of keras.ops; each file of operations has its own table.
const Operations& arithmetic_operations();
const Operations& shape_operations();
const Operations& network_operations();

/// Argument i, by position or by one of its names; a Failure where it is missing.
const Argument& argument(const Layer& l, size_t i, std::initializer_list<const char*> names);
/// A setting: of the operation itself, by keyword, or by position; null where it is not given.
Config setting(const Layer& l, std::initializer_list<const char*> keys, size_t position);
/// The axis setting, `otherwise` where there is none, as an index below `rank`.
int axis_setting(const Layer& l, size_t position, int otherwise, int rank);
bool flag_setting(const Layer& l, std::initializer_list<const char*> keys, size_t position);

/// Whether this argument is a number written with a fraction, or an array of such.
bool is_real(const Argument& a);
/// A tensor, cast to the type where need be, or a number, a flag or an array as a constant of it.
/// type: float32, int32, int64 or boolean.
int32_t operand(Layer& l, const Argument& a, Type type);
/// The type to which Keras promotes the operands of one operation.
Type common_type(const Layer& l, std::initializer_list<const Argument*> operands);

/// emits x with its rows along an axis chosen and ordered by a list of indices.
int32_t gather(Layer& l, int32_t x, int32_t indices, int at);

}  // namespace cygnet::keras
