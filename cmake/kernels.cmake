# The kernels of the target's architecture: KERNEL_SOURCES with their flags, and KERNEL_DEFINITIONS, which name the levels
# that are built. A level whose instructions the compiler doesn't know is left out, with a message.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
set(KERNEL_DEFINITIONS)
foreach(target X86:__x86_64__ ARM:__aarch64__ WASM:__wasm__)
  string(REPLACE ":" ";" target ${target})
  list(GET target 0 name)
  list(GET target 1 macro)
  check_c_source_compiles("
#if !defined(${macro})
#error another architecture
#endif
int main(void) { return 0; }" CHRONOS2_${name})
endforeach()

# level(FOLDER FILE FLAG...): FOLDER/FILE.c is compiled with the flags.
function(level folder file)
  set(flags ${ARGN})
  string(JOIN " " CMAKE_REQUIRED_FLAGS ${flags})
  set(CMAKE_REQUIRED_QUIET ON)
  check_c_source_compiles("int main(void) { return 0; }" CHRONOS2_CAN_${file})
  if(NOT CHRONOS2_CAN_${file})
    message(STATUS "Kernels: this compiler can't build ${file} (${CMAKE_REQUIRED_FLAGS}); the library is built without it")
    return()
  endif()
  if(CHRONOS2_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang")
    list(APPEND flags -fno-sanitize=all) # clang takes a quarter of an hour for the checked tiles; gcc's build checks them
  elseif(CHRONOS2_SANITIZE AND NOT file MATCHES "^(avx2|neon)$")
    list(APPEND flags -O1) # every access of the unrolled tiles is checked: minutes to compile otherwise
  endif()
  set_source_files_properties(src/kernels/${folder}/${file}.c PROPERTIES COMPILE_OPTIONS "${flags}")
  string(TOUPPER C2_HAVE_${file} define)
  set(KERNEL_SOURCES ${KERNEL_SOURCES} src/kernels/${folder}/${file}.c PARENT_SCOPE)
  set(KERNEL_DEFINITIONS ${KERNEL_DEFINITIONS} ${define} PARENT_SCOPE)
endfunction()

if(CHRONOS2_X86)
  set(KERNEL_SOURCES src/kernels/x86/cpu.c)
  set(AVX2 -mavx2 -mfma -ffp-contract=fast)
  set(AVX512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mprefer-vector-width=512 -ffp-contract=fast)
  level(x86 avx2 ${AVX2})
  level(x86 avx512 ${AVX512})
  level(x86 avx512_vnni ${AVX512} -mavx512vnni)
  level(x86 avx512_bf16 ${AVX512} -mavx512vnni -mavx512bf16)
  level(x86 amx ${AVX512} -mavx512vnni -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8)
elseif(CHRONOS2_ARM)
  set(KERNEL_SOURCES src/kernels/arm/cpu.c)
  level(arm neon -ffp-contract=fast)
  level(arm neon_dot -march=armv8.2-a+dotprod -ffp-contract=fast)
  level(arm neon_bf16 -march=armv8.2-a+dotprod+i8mm+bf16 -ffp-contract=fast)
elseif(CHRONOS2_WASM)
  set(KERNEL_SOURCES src/kernels/wasm/cpu.c)
  level(wasm simd128 -msimd128)
else() # the folder of another architecture with kernels of its own goes here
  set(KERNEL_SOURCES src/kernels/plain/cpu.c)
endif()
