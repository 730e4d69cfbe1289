/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One input for what is fuzzed. Linked with libFuzzer where the compiler has it, and everywhere with run-corpus.c,
 * which gives it what was found so far.
 */
#pragma once

#include "common/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
