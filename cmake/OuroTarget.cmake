# How a thing of ours is compiled.
#
#   ouro_target(name)        language, warnings, sanitizers: for every target
#   ouro_limit_frames(name)  a frame lives on a 64 KiB stack: for the library
#   ouro_link_flags(name)    for targets that are linked from objects only

set(OURO_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-qual
  -Wcast-align -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla
  -Wdouble-promotion -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND OURO_WARNINGS
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
elseif(CMAKE_C_COMPILER_ID MATCHES "Clang")
  list(APPEND OURO_WARNINGS
    -Wmissing-variable-declarations -Wunreachable-code -Wextra-semi-stmt
    -Wdocumentation -Wshorten-64-to-32)
endif()
if(OURO_WERROR)
  list(APPEND OURO_WARNINGS -Werror)
endif()

# Flags that compiling and linking must agree on.
set(OURO_INSTRUMENT)
if(OURO_SANITIZE)
  list(APPEND OURO_INSTRUMENT
    -fsanitize=${OURO_SANITIZE} -fno-sanitize-recover=all)
endif()
if(OURO_COVERAGE)
  list(APPEND OURO_INSTRUMENT --coverage)
endif()

# A static library of LTO objects alone would tie its users to our compiler.
set(OURO_LTO)
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(OURO_LTO -ffat-lto-objects)
endif()

function(ouro_link_flags name)
  target_link_options(${name} PRIVATE ${OURO_INSTRUMENT})
endfunction()

function(ouro_target name)
  set_target_properties(${name} PROPERTIES
    C_STANDARD 11
    C_STANDARD_REQUIRED ON
    C_EXTENSIONS OFF
    C_VISIBILITY_PRESET hidden)
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  # Reports name a place in the source as "src/task.c:12", wherever it is built.
  target_compile_options(${name} PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:${OURO_WARNINGS};${OURO_LTO}>"
    ${OURO_INSTRUMENT}
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
  if(OURO_SANITIZE)
    target_compile_options(${name} PRIVATE -fno-omit-frame-pointer)
  endif()
  ouro_link_flags(${name})
endfunction()

# Sanitizers and coverage make frames larger; there the limit says nothing.
function(ouro_limit_frames name)
  if(NOT OURO_INSTRUMENT)
    target_compile_options(${name} PRIVATE
      $<$<COMPILE_LANGUAGE:C>:-Wframe-larger-than=2048>)
  endif()
endfunction()
