// What every source begins with, in builds without sanitizers (meson.build): checks that the libraries make, and that
// end the process.
//
// The C library's, of the sizes of buffers that the compiler knows; optimised code only, since without it knows none
// and warns. The C++ library's, of indices and the like. Not all of it on the packet path, where tests, fuzzing and the
// sanitizers look for the same: docs/performance.md has what it would cost.
#pragma once

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the libraries chose these names
#ifdef __OPTIMIZE__
#ifdef DRYWALL_PACKET_PATH
#define DRYWALL_FORTIFIED 2
#else
#define DRYWALL_FORTIFIED 3  // also sizes that are known at run time only
#define _GLIBCXX_ASSERTIONS
#endif
#ifndef _FORTIFY_SOURCE
#define _FORTIFY_SOURCE DRYWALL_FORTIFIED
#endif
#endif
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
