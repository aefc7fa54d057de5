# CUDA. The kernels of src/cuda compile twice: by nvcc into libchronos2_cuda.so (`make cuda`), and by the host's C++
# compiler against tests/cuda/emulator.h, which is how the tests run them on any machine.

# ---- The emulated device --------------------------------------------------------------------------
get_filename_component(folder ${CMAKE_C_COMPILER} DIRECTORY)
get_filename_component(name ${CMAKE_C_COMPILER} NAME)
string(REGEX REPLACE "gcc" "g++" name ${name})
string(REGEX REPLACE "clang" "clang++" name ${name})
string(REGEX REPLACE "^cc$" "c++" name ${name})
find_program(CHRONOS2_CXX NAMES ${name} HINTS ${folder} DOC "C++ compiler of the C compiler's kind, for tests")
# The emulator's pointers are a class, which clang converts to less than gcc does.
if(CHRONOS2_CXX AND CMOCKA_FOUND AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(CMAKE_CXX_COMPILER ${CHRONOS2_CXX})
  if(CMAKE_C_COMPILER_LAUNCHER AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
  endif()
  enable_language(CXX)
  add_library(chronos2_cuda_emulated SHARED tests/cuda/emulator.cc tests/cuda/emulated_device.cc)
  add_executable(test_cuda_emulator tests/cuda/emulator.cc tests/cuda/test_emulator.cc)
  add_executable(test_cuda_device tests/cuda/test_device.c)
  target_link_libraries(test_cuda_device PRIVATE chronos2_cuda_emulated chronos2_static)
  add_executable(test_cuda_forward tests/cuda/test_forward.c)
  target_link_libraries(test_cuda_forward PRIVATE chronos2_study PkgConfig::JANSSON)
  add_executable(test_cuda_sessions tests/cuda/test_sessions.c)
  target_link_libraries(test_cuda_sessions PRIVATE chronos2_study Threads::Threads)
  # Found from the source folder, so that tools/gpu/check.sh can run them on another machine.
  file(RELATIVE_PATH binary_dir ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_compile_definitions(test_cuda_sessions PRIVATE SOURCE_DIR=".")
  target_compile_definitions(test_cuda_forward PRIVATE SOURCE_DIR="." BINARY_DIR="${binary_dir}")
  target_include_directories(test_cuda_forward PRIVATE tests)
  target_include_directories(test_cuda_sessions PRIVATE tests)
  foreach(target chronos2_cuda_emulated test_cuda_emulator test_cuda_device test_cuda_forward test_cuda_sessions)
    target_compile_features(${target} PRIVATE cxx_std_17)
    target_include_directories(${target} PRIVATE src tests/cuda)
    target_link_libraries(${target} PRIVATE chronos2_flags)
  endforeach()
  if(CHRONOS2_SANITIZE)
    target_compile_options(chronos2_cuda_emulated PRIVATE -O2) # checked memory is slow enough
  endif()
  foreach(name emulator device forward sessions)
    target_link_libraries(test_cuda_${name} PRIVATE PkgConfig::CMOCKA)
    add_dependencies(test_cuda_${name} chronos2_cuda_emulated)
    add_test(NAME test_cuda_${name} COMMAND test_cuda_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(test_cuda_${name} PROPERTIES
      ENVIRONMENT CHRONOS2_CUDA_LIBRARY=$<TARGET_FILE:chronos2_cuda_emulated>)
  endforeach()
  add_test(NAME test_cuda_warm COMMAND bash tests/cuda/warm.sh $<TARGET_FILE:chronos2>
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(test_cuda_warm PROPERTIES
    ENVIRONMENT CHRONOS2_CUDA_LIBRARY=$<TARGET_FILE:chronos2_cuda_emulated>)
  add_test(NAME test_cuda_version COMMAND bash tests/cuda/version.sh $<TARGET_FILE:chronos2>
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  # Tests of the CPU that are told to run on the emulated device; sanitizers make it thirty times slower.
  set(tests masked observers blind_heads callbacks)
  if(CHRONOS2_SANITIZE)
    set(tests blind_heads)
  endif()
  foreach(name ${tests})
    add_dependencies(test_${name} chronos2_cuda_emulated)
    add_test(NAME test_cuda_${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(test_cuda_${name} PROPERTIES
      ENVIRONMENT "CHRONOS2_CUDA_LIBRARY=$<TARGET_FILE:chronos2_cuda_emulated>;CHRONOS2_TEST_DEVICE=cuda")
  endforeach()
  # As tools/gpu/check.sh runs them, where cuBLAS may choose another algorithm for another number of rows.
  if(NOT CHRONOS2_SANITIZE)
    foreach(name masked observers blind_heads)
      add_test(NAME test_cuda_algorithms_${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(test_cuda_algorithms_${name} PROPERTIES
        ENVIRONMENT "CHRONOS2_CUDA_LIBRARY=$<TARGET_FILE:chronos2_cuda_emulated>;CHRONOS2_TEST_DEVICE=cuda;\
CHRONOS2_ON_GPU=1;CHRONOS2_EMULATOR_ALGORITHMS=1;CHRONOS2_TEST_SIZE=small")
    endforeach()
  endif()
else()
  message(STATUS "CUDA's emulator needs g++ and cmocka beside a build by gcc: the CUDA kernels are not tested here")
endif()

# ---- Where the library for GPUs is found: beside the program, or where both are installed -----------
if(UNIX AND NOT APPLE)
  set(CUDA_FOLDER ${CMAKE_INSTALL_FULL_LIBDIR})
  if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_BINDIR} AND NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    file(RELATIVE_PATH CUDA_FOLDER /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
    string(PREPEND CUDA_FOLDER "$ORIGIN/")
  endif()
  # An own path for the build would end in an empty entry, which means the current folder.
  set_target_properties(chronos2 PROPERTIES INSTALL_RPATH "$ORIGIN;${CUDA_FOLDER}" BUILD_WITH_INSTALL_RPATH ON
                                            INSTALL_RPATH_USE_LINK_PATH ON) # libraries outside the system's folders
  set_target_properties(chronos2_shared PROPERTIES INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON)
endif()
install(FILES ${CMAKE_BINARY_DIR}/libchronos2_cuda.so DESTINATION ${CMAKE_INSTALL_LIBDIR} OPTIONAL)

# ---- The library for GPUs: `make cuda` --------------------------------------------------------------
# Machine code for compute capability 8.0 and 9.0, and PTX that a driver compiles for later ones. It is linked with the
# CUDA runtime; cuBLAS is loaded at run time, so only its header is needed here.
find_program(CHRONOS2_NVCC nvcc HINTS /usr/local/cuda/bin DOC "CUDA compiler")
if(CHRONOS2_NVCC) # for each architecture, without warnings and spills, which take what docs/cuda.md says
  add_test(NAME cuda_kernels COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/gpu/resources.py ${CHRONOS2_NVCC})
endif()
find_path(CUBLAS_INCLUDE cublasLt.h HINTS /usr/local/cuda/include ENV CUDA_HOME PATH_SUFFIXES include
          DOC "Folder of cublasLt.h: of the CUDA toolkit, or of the Python package nvidia-cublas")
if(CHRONOS2_NVCC AND CUBLAS_INCLUDE)
  set(CUDA_LIBRARY ${CMAKE_BINARY_DIR}/libchronos2_cuda.so)
  add_custom_command(
    OUTPUT ${CUDA_LIBRARY}
    COMMAND ${CHRONOS2_NVCC} -std=c++17 -O3 -DC2_DEVICE_VERSION=${DEVICE_VERSION} -I${CMAKE_SOURCE_DIR}/src
            -isystem ${CUBLAS_INCLUDE}
            -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90
            -gencode arch=compute_90,code=compute_90 --threads 2 -Werror all-warnings
            -Xcompiler -fPIC,-Wall,-Wextra,-Werror,-fvisibility=hidden -shared -cudart static -o ${CUDA_LIBRARY}
            ${CMAKE_SOURCE_DIR}/src/cuda/device.cu ${CMAKE_SOURCE_DIR}/src/cuda/products.cc -ldl
    DEPENDS ${CUDA_SOURCES}
    COMMENT "The CUDA library" VERBATIM)
  add_custom_target(cuda DEPENDS ${CUDA_LIBRARY})
  add_test(NAME cuda_drivers COMMAND bash ${CMAKE_SOURCE_DIR}/tests/cuda/drivers.sh ${CMAKE_BINARY_DIR})
else()
  add_custom_target(cuda COMMAND ${CMAKE_COMMAND} -E echo
    "cuda: needs nvcc (found: ${CHRONOS2_NVCC}) and cublasLt.h (found: ${CUBLAS_INCLUDE}); see docs/cuda.md" COMMAND false)
endif()
