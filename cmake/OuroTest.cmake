# How a test is built and registered.
#
#   ouro_test(NAME FOLDER [VARIANTS word...] [LABELS word...] [SECONDS n])
#
# builds tests/FOLDER/test_NAME.c and registers it as ctest FOLDER.NAME, with
# FOLDER as its label.  With VARIANTS it is registered once for each word, as
# FOLDER.NAME.word, and gets the word as its argument; a variant uring is
# registered once more as uring-restricted, where io_uring lacks all that can be
# turned off.  It may take 30 seconds, or the n it asks for, and says with exit
# code 77 that it cannot run here.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

set(OURO_TEST_TIMEOUT_SCALE 1 CACHE STRING
  "What the time limits of tests are multiplied with")
set(OURO_TEST_LAUNCHER "" CACHE STRING
  "A command that runs each test program, as a list: valgrind;--quiet")

# The shadow memory of gcc's thread sanitizer does not fit every layout that a
# kernel with much address randomisation may choose.
set(OURO_TEST_PREFIX ${OURO_TEST_LAUNCHER})
if(OURO_SANITIZE MATCHES "thread" AND NOT OURO_TEST_LAUNCHER)
  find_program(OURO_SETARCH setarch)
  if(OURO_SETARCH)
    execute_process(COMMAND ${OURO_SETARCH} -R true
      RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      set(OURO_TEST_PREFIX ${OURO_SETARCH} -R)
    endif()
  endif()
endif()

set(OURO_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
  "OURO_TEST_TIMEOUT_SCALE=${OURO_TEST_TIMEOUT_SCALE}")

# A kernel of the oldest kind that will do: see src/uring_features.c.
string(JOIN "," OURO_URING_FEATURES
  submit_all taskrun_flag registered_ring abs_timer no_iowait
  multishot_accept multishot_receive buffer_ring)

# What every registered test has, however it is run.
function(ouro_test_properties name)
  cmake_parse_arguments(ARG "" "SECONDS" "LABELS" ${ARGN})
  if(NOT ARG_SECONDS)
    set(ARG_SECONDS 30)
  endif()
  math(EXPR limit "${ARG_SECONDS} * ${OURO_TEST_TIMEOUT_SCALE}")
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}"
    TIMEOUT ${limit}
    SKIP_RETURN_CODE 77
    ENVIRONMENT "${OURO_TEST_ENVIRONMENT}")
endfunction()

# A test that is no program of ours: ouro_script_test(NAME COMMAND word...)
function(ouro_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "SECONDS" "COMMAND;LABELS")
  add_test(NAME ${name} COMMAND ${ARG_COMMAND}
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  ouro_test_properties(${name} LABELS ${ARG_LABELS} SECONDS ${ARG_SECONDS})
endfunction()

function(ouro_test name folder)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "" "SECONDS" "VARIANTS;LABELS")
  set(target ${folder}_${name})
  add_executable(${target} "${PROJECT_SOURCE_DIR}/tests/${folder}/test_${name}.c")
  ouro_target(${target})
  target_link_libraries(${target} PRIVATE ouro_test_support)
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME test_${name}
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${folder}")

  set(command ${OURO_TEST_PREFIX} $<TARGET_FILE:${target}>)
  if(NOT ARG_VARIANTS)
    add_test(NAME ${folder}.${name} COMMAND ${command})
    set(tests ${folder}.${name})
  endif()
  foreach(word IN LISTS ARG_VARIANTS)
    add_test(NAME ${folder}.${name}.${word} COMMAND ${command} ${word})
    list(APPEND tests ${folder}.${name}.${word})
  endforeach()
  set(restricted)
  if("uring" IN_LIST ARG_VARIANTS)
    set(restricted ${folder}.${name}.uring-restricted)
    add_test(NAME ${restricted} COMMAND ${command} uring)
    list(APPEND tests ${restricted})
  endif()
  foreach(test IN LISTS tests)
    ouro_test_properties(${test}
      LABELS ${folder} ${ARG_LABELS} SECONDS ${ARG_SECONDS})
  endforeach()
  if(restricted)
    set_property(TEST ${restricted} APPEND PROPERTY
      ENVIRONMENT "OURO_URING_DISABLE=${OURO_URING_FEATURES}")
  endif()
endfunction()
