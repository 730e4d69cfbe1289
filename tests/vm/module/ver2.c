// SPDX-License-Identifier: GPL-2.0-only
#define TESTVER 2
#include "ver.h"
