# What `make install` puts in place: header, libraries, pkg-config file, CMake package, bundled models; with the program
# (CMakeLists.txt installs it) the bundled series. Everything is found again relative to the prefix, so a prefix may be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# A package in a folder of its own can't find the prefix from where it lies: it has that of the configuration.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  install(CODE "if(NOT CMAKE_INSTALL_PREFIX STREQUAL \"${CMAKE_INSTALL_PREFIX}\")
    message(FATAL_ERROR \"CMAKE_INSTALL_LIBDIR is an absolute folder: configure with -DCMAKE_INSTALL_PREFIX=\${CMAKE_INSTALL_PREFIX}\")
  endif()")
endif()

target_include_directories(chronos2_shared PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
set(CHRONOS2_DATADIR ${CMAKE_INSTALL_DATADIR}/chronos2)
set(CHRONOS2_PACKAGEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/chronos2)

install(TARGETS chronos2_shared chronos2_static EXPORT chronos2-targets
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/chronos2.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(CHRONOS2_LIBS_PRIVATE -lm)
if(CMAKE_DL_LIBS)
  string(PREPEND CHRONOS2_LIBS_PRIVATE "-l${CMAKE_DL_LIBS} ")
endif()
if(CHRONOS2_THREADS)
  string(PREPEND CHRONOS2_LIBS_PRIVATE "-lpthread ")
endif()
# Folders are relative to the prefix, unless the user named one that is not.
file(RELATIVE_PATH CHRONOS2_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" CHRONOS2_PC_TO_PREFIX "\${pcfiledir}/${CHRONOS2_PC_TO_PREFIX}")
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(CHRONOS2_PC_TO_PREFIX ${CMAKE_INSTALL_PREFIX})
endif()
foreach(folder INCLUDEDIR LIBDIR DATADIR)
  set(CHRONOS2_PC_${folder} \${prefix}/${CMAKE_INSTALL_${folder}})
  if(IS_ABSOLUTE ${CMAKE_INSTALL_${folder}})
    set(CHRONOS2_PC_${folder} ${CMAKE_INSTALL_${folder}})
  endif()
endforeach()
configure_file(cmake/chronos2.pc.in ${CMAKE_BINARY_DIR}/chronos2.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/chronos2.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(cmake/chronos2-config.cmake.in ${CMAKE_BINARY_DIR}/chronos2-config.cmake
                              INSTALL_DESTINATION ${CHRONOS2_PACKAGEDIR} PATH_VARS CHRONOS2_DATADIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/chronos2-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/chronos2-config.cmake ${CMAKE_BINARY_DIR}/chronos2-config-version.cmake
        DESTINATION ${CHRONOS2_PACKAGEDIR})
install(EXPORT chronos2-targets NAMESPACE chronos2:: DESTINATION ${CHRONOS2_PACKAGEDIR})

set(folders models)
if(NOT CHRONOS2_LIBRARY_ONLY)
  list(APPEND folders datasets)
endif()
foreach(folder ${folders})
  if(EXISTS ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION ${CHRONOS2_DATADIR})
  endif()
endforeach()
# The documentation and what it links to, as they lie in the tree, so that the links lead there.
file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} LICENSE *.md docs/*.md docs/*.svg docs/*.yaml
     bench/RESULTS.md datasets/README.md datasets/tasks.yaml models/*/README.md include/chronos2.h tests/golden/README.md
     tests/full/test_call_sites.py tools/train/logs/arms.csv tools/train/logs/pairs.csv)
foreach(page ${pages})
  get_filename_component(folder ${page} DIRECTORY)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_DOCDIR}/${folder})
endforeach()
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
