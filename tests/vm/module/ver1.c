// SPDX-License-Identifier: GPL-2.0-only
#define TESTVER 1
#include "ver.h"
