# What is installed, and how find_package(ouro) and pkg-config find it.

include(CMakePackageConfigHelpers)

# Two export sets: the static library brings liburing's, and who uses the shared
# one need not have it.
install(TARGETS ouro EXPORT ouroTargets FILE_SET HEADERS)
install(TARGETS ouro_static EXPORT ouroStaticTargets)

set(OURO_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/ouro")
install(EXPORT ouroTargets NAMESPACE ouro:: DESTINATION ${OURO_CMAKE_DIR})
install(EXPORT ouroStaticTargets NAMESPACE ouro:: DESTINATION ${OURO_CMAKE_DIR})

configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/ouroConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/ouroConfig.cmake"
  INSTALL_DESTINATION ${OURO_CMAKE_DIR})
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/ouroConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/ouroConfig.cmake"
  "${PROJECT_BINARY_DIR}/ouroConfigVersion.cmake"
  DESTINATION ${OURO_CMAKE_DIR})

# The .pc file finds its prefix from where it lies, so a tree may be moved.
set(OURO_PC_DIR "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(OURO_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(OURO_PC_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
else()
  file(RELATIVE_PATH up "/prefix/${OURO_PC_DIR}" "/prefix")
  string(REGEX REPLACE "/$" "" up "${up}")
  set(OURO_PC_PREFIX "\${pcfiledir}/${up}")
  set(OURO_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(OURO_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(OURO_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/ouro.pc.in "${PROJECT_BINARY_DIR}/ouro.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/ouro.pc" DESTINATION ${OURO_PC_DIR})
