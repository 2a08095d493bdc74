// Shrinking: a scene that fails, made as small as it stays failing.
#pragma once

#include <functional>

#include "random_scene.h"

namespace drywall::test {

// Takes away resources, rules, fields and values, one at a time, as long as `fails` still holds.
// REQUIRES: fails(scene)
[[nodiscard]] Scene shrink(Scene scene, const std::function<bool(const Scene&)>& fails);

}  // namespace drywall::test
