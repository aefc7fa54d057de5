/* cuBLASLt behind c2_gpu_product: descriptions and algorithms are kept, since a pass repeats about ten products. */
#include "cuda/products.h"

#include <cublasLt.h>
#include <dlfcn.h>

#include <new>

#include "cuda/failure.h"

/* The functions in use, by their declarations. */
#define C2_CUBLASLT(X)          \
  X(cublasLtCreate)             \
  X(cublasLtDestroy)            \
  X(cublasLtMatmul)             \
  X(cublasLtMatmulDescCreate)   \
  X(cublasLtMatmulDescDestroy)  \
  X(cublasLtMatmulDescSetAttribute) \
  X(cublasLtMatrixLayoutCreate) \
  X(cublasLtMatrixLayoutDestroy) \
  X(cublasLtMatmulPreferenceCreate) \
  X(cublasLtMatmulPreferenceDestroy) \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatmulAlgoGetHeuristic)

/* One text, so that tools/gpu/check.sh finds it in the library. */
#define C2_TEXT_OF(x) #x
#define C2_TEXT(x) C2_TEXT_OF(x)
#define C2_CUBLASLT_FILE "libcublasLt.so." C2_TEXT(CUBLAS_VER_MAJOR)

#define C2_MEMBER(name) decltype(&name) name##_;
struct cublaslt {
  C2_CUBLASLT(C2_MEMBER)
};

static c2_status load_cublaslt(cublaslt *lt, c2_error *err) {
  void *library = dlopen(C2_CUBLASLT_FILE, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda: %s; expected cuBLAS %d where libraries are found", dlerror(),
                CUBLAS_VER_MAJOR);
  }
#define C2_FIND(name)                                                                          \
  lt->name##_ = reinterpret_cast<decltype(&name)>(dlsym(library, #name));                      \
  if (!lt->name##_) return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda: cuBLAS has no " #name);
  C2_CUBLASLT(C2_FIND)
  return C2_OK;
}

/* A product that has been prepared: what it depends on, and how cuBLASLt does it. */
struct prepared {
  size_t rows, columns, depth, a_stride, c_stride;
  uint32_t alignment; /* of all three matrices, in bytes */
  c2_gpu_element type, c_type;
  bool bias, relu, accumulate;
  cublasLtMatmulDesc_t description;
  cublasLtMatrixLayout_t w, a, c;
  cublasLtMatmulAlgo_t algorithm;
};

static const size_t MOST_PREPARED = 64; /* a pass has about ten; then the oldest go */

struct c2_products {
  cudaStream_t stream;
  cublaslt lt;
  cublasLtHandle_t handle;
  void *workspace;
  prepared product[MOST_PREPARED];
  size_t count;
};

static c2_status check_lt(cublasStatus_t code, const char *what, const c2_gpu_product *p, c2_error *err) {
  if (code == CUBLAS_STATUS_SUCCESS) return C2_OK;
  return c2_gpu_fail(err, C2_ERR_IO, "device cuda: %s of %zu x %zu x %zu: cuBLAS status %d", what, p->rows, p->columns,
              p->depth, (int)code);
}

static cudaDataType_t data_type(c2_gpu_element type) {
  return type == C2_GPU_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

static cublasComputeType_t compute_type(c2_gpu_element type) {
  return type == C2_GPU_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

/* What the addresses are multiples of: cuBLAS takes 256 for granted where it isn't told. */
static uint32_t alignment_of(const c2_gpu_product *p) {
  uintptr_t bits = (uintptr_t)p->a | (uintptr_t)p->w | (uintptr_t)p->c | 256;
  return (uint32_t)(bits & (~bits + 1));
}

static bool fits(const prepared *q, const c2_gpu_product *p) {
  return q->rows == p->rows && q->columns == p->columns && q->depth == p->depth && q->a_stride == p->a_stride &&
         q->c_stride == p->c_stride && q->type == p->type && q->c_type == p->c_type && q->bias == (p->bias != NULL) &&
         q->relu == p->relu && q->accumulate == p->accumulate && q->alignment == alignment_of(p);
}

static void forget(const c2_products *own, const prepared *q) {
  if (q->c) own->lt.cublasLtMatrixLayoutDestroy_(q->c);
  if (q->a) own->lt.cublasLtMatrixLayoutDestroy_(q->a);
  if (q->w) own->lt.cublasLtMatrixLayoutDestroy_(q->w);
  if (q->description) own->lt.cublasLtMatmulDescDestroy_(q->description);
}

/* cuBLAS counts columns first: C^T = W A^T, where W, row by row, is a transposed matrix. */
static c2_status describe(c2_products *own, const c2_gpu_product *p, prepared *q, c2_error *err) {
  const cublaslt *lt = &own->lt;
  cublasOperation_t transposed = CUBLAS_OP_T;
  cublasLtEpilogue_t epilogue = p->bias ? (p->relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS)
                                        : (p->relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT);
  C2_TRY(check_lt(lt->cublasLtMatmulDescCreate_(&q->description, compute_type(p->type), CUDA_R_32F), "a product", p,
                  err));
  C2_TRY(check_lt(lt->cublasLtMatmulDescSetAttribute_(q->description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                                      sizeof transposed), "a product", p, err));
  C2_TRY(check_lt(lt->cublasLtMatmulDescSetAttribute_(q->description, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                                      sizeof epilogue), "a product", p, err));
  C2_TRY(check_lt(lt->cublasLtMatrixLayoutCreate_(&q->w, data_type(p->type), p->depth, p->columns, (int64_t)p->depth),
                  "a matrix", p, err));
  C2_TRY(check_lt(lt->cublasLtMatrixLayoutCreate_(&q->a, data_type(p->type), p->depth, p->rows, (int64_t)p->a_stride),
                  "a matrix", p, err));
  return check_lt(lt->cublasLtMatrixLayoutCreate_(&q->c, data_type(p->c_type), p->columns, p->rows,
                                                  (int64_t)p->c_stride), "a matrix", p, err);
}

static c2_status choose(c2_products *own, const c2_gpu_product *p, prepared *q, c2_error *err) {
  const cublaslt *lt = &own->lt;
  cublasLtMatmulPreference_t preference = NULL;
  cublasLtMatmulHeuristicResult_t found = {};
  uint64_t room = C2_PRODUCTS_WORKSPACE;
  uint32_t alignment = alignment_of(p);
  uint32_t split = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE; /* parts of a sum meet in float32, not in bf16 */
  const cublasLtMatmulPreferenceAttributes_t aligned[] = {
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
  int count = 0;
  C2_TRY(check_lt(lt->cublasLtMatmulPreferenceCreate_(&preference), "a preference", p, err));
  cublasStatus_t code = lt->cublasLtMatmulPreferenceSetAttribute_(
      preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room);
  if (code == CUBLAS_STATUS_SUCCESS && p->c_type == C2_GPU_BF16) {
    code = lt->cublasLtMatmulPreferenceSetAttribute_(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &split,
                                                     sizeof split);
  }
  for (size_t i = 0; i < 4 && code == CUBLAS_STATUS_SUCCESS; i++) {
    code = lt->cublasLtMatmulPreferenceSetAttribute_(preference, aligned[i], &alignment, sizeof alignment);
  }
  if (code == CUBLAS_STATUS_SUCCESS) {
    code = lt->cublasLtMatmulAlgoGetHeuristic_(own->handle, q->description, q->w, q->a, q->c, q->c, preference, 1,
                                               &found, &count);
  }
  lt->cublasLtMatmulPreferenceDestroy_(preference);
  C2_TRY(check_lt(code, "the algorithm", p, err));
  C2_TRY(check_lt(count == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : found.state, "the algorithm", p, err));
  q->algorithm = found.algo;
  return C2_OK;
}

static c2_status prepare(c2_products *own, const c2_gpu_product *p, prepared **out, c2_error *err) {
  size_t known = own->count < MOST_PREPARED ? own->count : MOST_PREPARED;
  for (size_t i = 0; i < known; i++) {
    *out = &own->product[i];
    if (fits(*out, p)) return C2_OK;
  }
  prepared *q = &own->product[own->count % MOST_PREPARED];
  if (own->count >= MOST_PREPARED) forget(own, q);
  *q = prepared{};
  c2_status status = describe(own, p, q, err);
  if (status == C2_OK) status = choose(own, p, q, err);
  if (status != C2_OK) {
    forget(own, q);
    *q = prepared{};
    return status;
  }
  q->rows = p->rows;
  q->columns = p->columns;
  q->depth = p->depth;
  q->a_stride = p->a_stride;
  q->c_stride = p->c_stride;
  q->type = p->type;
  q->c_type = p->c_type;
  q->bias = p->bias != NULL;
  q->relu = p->relu;
  q->alignment = alignment_of(p);
  q->accumulate = p->accumulate;
  own->count++;
  *out = q;
  return C2_OK;
}

c2_status c2_products_run(c2_products *own, const c2_gpu_product *p, c2_error *err) {
  prepared *q = NULL;
  float one = 1;
  float beta = p->accumulate ? 1 : 0;
  if (p->rows == 0) return C2_OK;
  C2_TRY(prepare(own, p, &q, err));
  if (p->bias) {
    C2_TRY(check_lt(own->lt.cublasLtMatmulDescSetAttribute_(q->description, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                               &p->bias, sizeof p->bias), "the bias", p, err));
  }
  return check_lt(own->lt.cublasLtMatmul_(own->handle, q->description, &one, p->w, q->w, p->a, q->a, &beta, p->c,
                                             q->c, p->c, q->c, &q->algorithm, own->workspace, C2_PRODUCTS_WORKSPACE,
                                             own->stream), "a product", p, err);
}

/* ---- Opening and closing ------------------------------------------------------------------------ */

c2_status c2_products_open(c2_products **out, cudaStream_t stream, c2_error *err) {
  *out = new (std::nothrow) c2_products{};
  if (!*out) return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: no memory");
  (*out)->stream = stream;
  C2_TRY(load_cublaslt(&(*out)->lt, err));
  if (cudaMalloc(&(*out)->workspace, C2_PRODUCTS_WORKSPACE) != cudaSuccess) {
    cudaGetLastError();
    return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: it has no %d bytes left for products", C2_PRODUCTS_WORKSPACE);
  }
  if ((*out)->lt.cublasLtCreate_(&(*out)->handle) != CUBLAS_STATUS_SUCCESS) {
    return c2_gpu_fail(err, C2_ERR_IO, "device cuda: cuBLAS doesn't start");
  }
  return C2_OK;
}

void c2_products_close(c2_products *own) {
  if (!own) return;
  size_t known = own->count < MOST_PREPARED ? own->count : MOST_PREPARED;
  for (size_t i = 0; i < known; i++) forget(own, &own->product[i]);
  if (own->handle) own->lt.cublasLtDestroy_(own->handle);
  if (own->workspace) cudaFree(own->workspace);
  delete own;
}
