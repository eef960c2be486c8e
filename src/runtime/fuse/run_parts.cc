// SPDX-License-Identifier: Apache-2.0
// How steps that are fused into another one run.
#include <algorithm>

#include "runtime/op_driver.h"

namespace cygnet {
namespace {

// Elements of a piece of a step's output that its followers get when it did not tell them of any.
constexpr int64_t kPieceElements = 4 * OpContext::kPartElements;

}  // namespace

void OpDriver::set_alone(Step* step, bool alone) {
  each_member(*step, [&](Step& member) { member.context.alone_ = alone; });
}

// The end of a step that has followers: they have had all of its output, or nothing yet.
Status OpDriver::run_followers(Step* step) {
  const int64_t elements = step->context.output(0).shape.elements();
  if (step->produced == elements) return {};
  if (step->produced != 0)
    return located(*step,
                   Status::error(Code::internal, "%lld elements of %lld produced",
                                 static_cast<long long>(step->produced),
                                 static_cast<long long>(step->context.output(0).shape.elements())));
  struct Whole {
    OpDriver* driver;
    Step* step;
    int64_t elements;
  } whole{this, step, elements};
  const auto body = [](void* context, int64_t begin, int64_t end, int thread) {
    const Whole& w = *static_cast<const Whole*>(context);
    w.driver->produced(w.step->context,
                       {begin * kPieceElements, std::min(end * kPieceElements, w.elements)},
                       thread);
  };
  const int64_t pieces = (elements + kPieceElements - 1) / kPieceElements;
  if (step->context.alone_)
    body(&whole, 0, pieces, 0);
  else
    parallel(pieces, 1, body, &whole);
  if (step->failed != 0) {
    step->failed = 0;
    return std::move(step->failure);
  }
  if (stopped()) return located(*step, check_stopped());
  return {};
}

// A tensor that has room for a part only, as if it had room for all: elements of `range` lie in the
// thread's room.
Tensor OpDriver::in_part(const Tensor& tensor, Range range, int thread) const {
  Tensor part = tensor;
  const int64_t size = type_bits(tensor.type) / 8;
  const auto room =
      reinterpret_cast<uintptr_t>(tensor.data) + static_cast<uintptr_t>(thread * kPartBytes * size);
  part.data = reinterpret_cast<void*>(room - static_cast<uintptr_t>(range.begin * size));
  return part;
}

void OpDriver::run_part(const Step& member, Range range, int thread, Step* step) {
  constexpr int kOperands = 3;  // of element-wise steps
  OpContext part = member.context;
  part.scratch_ = member.scratch.data();
  part.is_part_ = part.alone_ = true;
  part.part_ = range;
  part.thread_ = thread;
  Tensor views[kOperands + 1];
  Tensor* operands[kOperands + 1];
  if (member.in_parts) {
    for (int i = 0; i <= part.input_count_; ++i) {
      Tensor* const tensor = i < part.input_count_ ? part.input_[i] : part.output_[0];
      operands[i] = tensor;
      if (tensor == nullptr || plan_->in_parts[tensor - plan_->tensors.data()] == 0) continue;
      views[i] = in_part(*tensor, range, thread);
      operands[i] = &views[i];
    }
    part.input_ = operands;
    part.output_ = operands + part.input_count_;
  }
  Status status = member.op->invoke(part);
  if (status.ok() || __atomic_exchange_n(&step->failed, 1, __ATOMIC_ACQ_REL) != 0) return;
  step->failure = located(member, std::move(status));
}

void OpDriver::run_parts(const Vector<Step>& members, const Tensor& of, Range range, int thread,
                         Step* step) {
  const int64_t most = kPartBytes * 8 / type_bits(of.type);
  for (int64_t at = range.begin; at < range.end; at += most)
    for (const Step& member : members)
      run_part(member, {at, std::min(at + most, range.end)}, thread, step);
}

void OpDriver::produced(OpContext& op, Range range, int thread) {
  Step& step = *static_cast<Step*>(op.followers_);
  run_parts(step.followers, op.output(0), range, thread, &step);
  __atomic_fetch_add(&step.produced, range.end - range.begin, __ATOMIC_RELAXED);
}

void OpDriver::wanted(OpContext& op, Range range, int thread) {
  Step& step = *static_cast<Step*>(op.leaders_);
  run_parts(step.leaders, op.input(0), range, thread, &step);
}

}  // namespace cygnet
