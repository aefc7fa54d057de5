/* chronos2.c in JavaScript: opens a model and forecasts, in a browser, a worker or Node, on one thread.
 *
 *   const model = await Chronos2.open({
 *     wasm: await (await fetch('chronos2.wasm')).arrayBuffer(),
 *     files: {'config.json': bytes, 'model.safetensors': bytes},
 *   });
 *   const [forecast] = model.predict([{target: [1, 2, 3, ...]}], {horizon: 24});
 *   forecast.quantiles[0][10]; // the first target's median, of model.quantileLevels[10]
 *
 * A call blocks until it is done: a page that must not stand still calls from a worker. */

const SERIES = 32; // bytes of chronos2_series and chronos2_covariate; module.c asserts them and the offsets below
const COVARIATE = 36;
const ROOT = 3; // the descriptor of the folder that holds the model's files

const EBADF = 8, EINVAL = 28, ENOENT = 44, ENOSYS = 52, EROFS = 69, ESPIPE = 70; // of WASI
const DIRECTORY = 3, REGULAR = 4;

/* The few calls of WASI that reading a model needs, over files in memory. Others are refused. */
class Files {
  constructor(files) {
    this.files = new Map(Object.entries(files).map(([name, data]) => [name, new Uint8Array(data)]));
    this.open = new Map(); // descriptor: {data, at}
    this.next = ROOT + 1;
  }

  get view() {
    return new DataView(this.memory.buffer);
  }

  /* The name in the one folder that there is: '' is that folder itself. */
  name(at, length) {
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer, at, length)).replace(/^(\.?\/+)*\.?$|^(\.?\/+)+/, '');
  }

  status(at, type, size) {
    new Uint8Array(this.memory.buffer, at, 64).fill(0);
    this.view.setUint8(at + 16, type);
    this.view.setBigUint64(at + 24, 1n, true);
    this.view.setBigUint64(at + 32, BigInt(size), true);
    return 0;
  }

  /* Fills the vectors from `from` on; returns how many bytes that took. */
  read(data, from, vectors, count) {
    let done = 0;
    for (let i = 0; i < count; i++) {
      const to = this.view.getUint32(vectors + 8 * i, true);
      const part = data.subarray(from + done, from + done + this.view.getUint32(vectors + 8 * i + 4, true));
      new Uint8Array(this.memory.buffer).set(part, to);
      done += part.length;
    }
    return done;
  }

  imports() {
    return {
      fd_prestat_get: (fd, out) => {
        if (fd !== ROOT) return EBADF;
        this.view.setUint32(out, 0, true);
        this.view.setUint32(out + 4, 1, true);
        return 0;
      },
      fd_prestat_dir_name: (fd, out) => {
        if (fd !== ROOT) return EBADF;
        this.view.setUint8(out, '/'.charCodeAt(0));
        return 0;
      },
      path_open: (fd, follow, path, length, create, rights, inheriting, flags, out) => {
        const data = this.files.get(this.name(path, length));
        if (!data) return create ? EROFS : ENOENT;
        this.open.set(this.next, {data, at: 0});
        this.view.setUint32(out, this.next++, true);
        return 0;
      },
      path_filestat_get: (fd, follow, path, length, out) => {
        const name = this.name(path, length);
        if (name === '') return this.status(out, DIRECTORY, 0);
        return this.files.has(name) ? this.status(out, REGULAR, this.files.get(name).length) : ENOENT;
      },
      fd_filestat_get: (fd, out) => {
        const file = this.open.get(fd);
        return file ? this.status(out, REGULAR, file.data.length) : EBADF;
      },
      fd_fdstat_get: (fd, out) => {
        if (fd !== ROOT && !this.open.has(fd)) return EBADF;
        new Uint8Array(this.memory.buffer, out, 24).fill(0);
        this.view.setUint8(out, fd === ROOT ? DIRECTORY : REGULAR);
        this.view.setBigUint64(out + 8, ~0n & 0xffffffffffffffffn, true);
        this.view.setBigUint64(out + 16, ~0n & 0xffffffffffffffffn, true);
        return 0;
      },
      fd_read: (fd, vectors, count, out) => {
        const file = this.open.get(fd);
        if (!file) return EBADF;
        const done = this.read(file.data, file.at, vectors, count);
        file.at += done;
        this.view.setUint32(out, done, true);
        return 0;
      },
      fd_pread: (fd, vectors, count, offset, out) => {
        const file = this.open.get(fd);
        if (!file) return EBADF;
        this.view.setUint32(out, this.read(file.data, Number(offset), vectors, count), true);
        return 0;
      },
      fd_seek: (fd, offset, whence, out) => {
        const file = this.open.get(fd);
        if (!file) return ESPIPE;
        const at = Number(offset) + [0, file.at, file.data.length][whence];
        if (!(at >= 0)) return EINVAL;
        file.at = at;
        this.view.setBigUint64(out, BigInt(at), true);
        return 0;
      },
      fd_fdstat_set_flags: () => 0, // files in memory never wait
      fd_close: (fd) => (this.open.delete(fd) ? 0 : EBADF),
      environ_sizes_get: (count, size) => {
        this.view.setUint32(count, 0, true);
        this.view.setUint32(size, 0, true);
        return 0;
      },
      environ_get: () => 0,
      proc_exit: (code) => {
        throw new Error(`chronos2: the module ended with ${code}`);
      },
    };
  }
}

/* What one call has in the module's memory. */
class Scratch {
  constructor(module) {
    this.module = module;
    this.blocks = [];
  }

  room(size) {
    const at = this.module.malloc(size || 1);
    if (!at) throw new Error('chronos2: out of memory');
    this.blocks.push(at);
    return at;
  }

  bytes(values) {
    const at = this.room(values.byteLength);
    new Uint8Array(this.module.memory.buffer).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    return at;
  }

  text(value) {
    return this.bytes(new TextEncoder().encode(`${value}\0`));
  }

  /* null and undefined are missing. */
  numbers(values) {
    return this.bytes(Float64Array.from(values, (v) => (v === null || v === undefined ? NaN : Number(v))));
  }

  texts(values) {
    return this.bytes(Uint32Array.from(values, (v) => (v === null || v === undefined ? 0 : this.text(v))));
  }

  free() {
    for (const at of this.blocks) this.module.free(at);
  }
}

function textAt(module, at) {
  const bytes = new Uint8Array(module.memory.buffer);
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
}

function check(condition, message) {
  if (!condition) throw new RangeError(`chronos2: ${message}`);
}

export class Chronos2 {
  /* wasm: the bytes of chronos2.wasm, or a WebAssembly.Module. files: a model's files by name, each as bytes. dtype:
   * fp32, bf16 or int8. isa: auto, simd128 or scalar. Throws what the library says of a model that can't be. */
  static async open({wasm, files, dtype = 'fp32', isa = 'auto'}) {
    const wasi = new Files(files);
    const code = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
    const known = wasi.imports();
    const imports = {};
    for (const {module, name} of WebAssembly.Module.imports(code)) {
      (imports[module] ??= {})[name] = known[name] ?? (() => ENOSYS);
    }
    const {exports} = await WebAssembly.instantiate(code, imports);
    wasi.memory = exports.memory;
    exports._initialize();
    return new Chronos2(exports, dtype, isa);
  }

  constructor(module, dtype, isa) {
    this.module = module;
    const scratch = new Scratch(module);
    this.handle = module.module_open(scratch.text('/'), scratch.text(dtype), scratch.text(isa));
    scratch.free();
    if (!this.handle) throw this.failure();
    const count = module.module_quantiles(this.handle);
    this.quantileLevels = [...new Float64Array(module.memory.buffer, module.module_quantile_levels(this.handle), count)];
    this.isa = textAt(module, module.module_isa(this.handle));
  }

  failure() {
    return new Error(`chronos2: ${textAt(this.module, this.module.chronos2_last_error())}`);
  }

  /* series: objects {target, past_covariates, future_covariates} as in JSON Lines: target is an array of numbers or, of
   * several targets, an array of those; covariates are arrays by name, of numbers or of texts; null is missing. Returns
   * for each series {quantiles}: [targets][levels] arrays of `horizon` numbers. */
  predict(series, {horizon, context_length = 0, batch_size = 0, cross_learning = false}) {
    check(Number.isInteger(horizon) && horizon >= 1, `horizon: expected a whole number from 1 on, found ${horizon}`);
    const scratch = new Scratch(this.module);
    try {
      const items = series.map((s) => this.item(scratch, s, horizon));
      const at = scratch.bytes(Uint8Array.from(items.flatMap((i) => [...new Uint8Array(i.words.buffer)])));
      const forecast = this.module.module_predict(this.handle, at, items.length, horizon, context_length, batch_size,
                                                  cross_learning ? 1 : 0);
      if (!forecast) throw this.failure();
      const results = items.map((item, i) => ({quantiles: this.quantiles(forecast, i, item.targets, horizon)}));
      this.module.module_free(forecast);
      return results;
    } finally {
      scratch.free();
    }
  }

  item(scratch, {target, past_covariates: past = {}, future_covariates: future = {}}, horizon) {
    const targets = Array.isArray(target[0]) || ArrayBuffer.isView(target[0]) ? target : [target];
    const length = targets[0].length;
    check(targets.every((t) => t.length === length), 'target: expected arrays of one length');
    for (const name of Object.keys(future)) check(name in past, `future_covariates: ${name} has no past`);
    const covariates = Object.entries(past).map(([name, values]) => {
      const known = future[name];
      const text = [...values, ...(known ?? [])].some((v) => typeof v === 'string');
      check(values.length === length, `past_covariates: ${name} has ${values.length} values, expected ${length}`);
      check(!known || known.length === horizon, `future_covariates: ${name} has not ${horizon} values`);
      const put = (v) => (v ? (text ? scratch.texts(v) : scratch.numbers(v)) : 0);
      const words = new Uint32Array(COVARIATE / 4);
      words.set([scratch.text(name), ...(text ? [0, 0] : []), put(values), put(known)]);
      return words;
    });
    const words = new Uint32Array(SERIES / 4);
    words.set([length, targets.length, scratch.numbers(targets.flatMap((t) => [...t])), 0, covariates.length]);
    words[5] = scratch.bytes(Uint32Array.from(covariates.flatMap((c) => [...c])));
    return {words, targets: targets.length};
  }

  quantiles(forecast, series, targets, horizon) {
    return Array.from({length: targets}, (_, target) => {
      const at = this.module.chronos2_forecast_quantiles(forecast, series, target);
      const values = new Float64Array(this.module.memory.buffer, at, this.quantileLevels.length * horizon);
      return this.quantileLevels.map((_, level) => values.slice(level * horizon, (level + 1) * horizon));
    });
  }

  close() {
    this.module.module_close(this.handle);
    this.handle = 0;
  }
}
