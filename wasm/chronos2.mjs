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

const ROOT = 3; // the descriptor of the folder that holds the model's files

const EBADF = 8, EINVAL = 28, ENOENT = 44, ENOSYS = 52, EROFS = 69, ESPIPE = 70; // of WASI
const DIRECTORY = 3, REGULAR = 4;

function kindOf(value) {
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
}

/* A file's bytes where they lie. Uint8Array would take anything else for no bytes at all, or for some. */
function bytesOf(data, name) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (['ArrayBuffer', 'SharedArrayBuffer'].includes(kindOf(data))) return new Uint8Array(data);
  throw new Error(`chronos2: files['${name}']: expected bytes, found ${kindOf(data)}`);
}

/* The few calls of WASI that reading a model needs, over files in memory. Others are refused. */
class Files {
  constructor(files) {
    this.files = new Map(Object.entries(files).map(([name, data]) => [name, bytesOf(data, name)]));
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
      random_get: (at, size) => { // tables of texts hash by a secret
        if (!globalThis.crypto) return ENOSYS;
        crypto.getRandomValues(new Uint8Array(this.memory.buffer, at, size));
        return 0;
      },
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

/* Numbers cross the border of the module as signed ones: beyond 2 GiB pointers would be negative. */
const unsigned = (value) => (typeof value === 'number' ? value >>> 0 : value);
const ofUnsigned = (call) => (...given) => call(...given.map(unsigned));
const toUnsigned = (value) => (typeof value === 'function' ? (...given) => unsigned(value(...given)) : value);

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

  /* A text, with a zero behind it: where it lies and its size. */
  text(value) {
    const bytes = new TextEncoder().encode(`${value}\0`);
    const at = this.room(bytes.length);
    new Uint8Array(this.module.memory.buffer).set(bytes, at);
    return [at, bytes.length - 1];
  }

  json(value) {
    return this.text(JSON.stringify(value));
  }

  free() {
    for (const at of this.blocks) this.module.free(at);
  }
}

function textAt(module, at) {
  const bytes = new Uint8Array(module.memory.buffer);
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
}

function nameOf(value) {
  return typeof value === 'object' ? kindOf(value) : `${typeof value} ${String(value)}`;
}

/* A value as JSON has it: NaN and undefined are null, typed arrays are arrays. JSON.stringify would make something else of
 * what JSON has not; here it is refused. */
function plain(value, place) {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return value;
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    return Array.from(value, (v, i) => (Number.isFinite(v) ? v : plain(v, `${place}[${i}]`)));
  }
  if (Object.prototype.toString.call(value) === '[object Object]') {
    const members = Object.entries(value).filter(([, v]) => v !== undefined);
    return Object.fromEntries(members.map(([key, v]) => [key, plain(v, `${place}.${key}`)]));
  }
  if (typeof value === 'number') throw new Error(`chronos2: ${place}: an infinite value`);
  throw new Error(`chronos2: ${place}: expected a number, a text, a boolean, null or an array of them, found ${nameOf(value)}`);
}

export class Chronos2 {
  /* wasm: the bytes of chronos2.wasm, or a WebAssembly.Module. files: a model's files by name, each as an
   * ArrayBuffer or a view of one, which must not change afterwards. dtype: fp32, bf16 or int8. isa: auto, simd128 or
   * scalar. Throws what the library says of a model that can't be. */
  static async open({wasm, files, dtype = 'fp32', isa = 'auto', ...others}) {
    for (const name of Object.keys(others)) throw new Error(`chronos2: ${name}: unknown option; expected wasm, files, dtype, isa`);
    if (kindOf(files) !== 'Object') throw new Error("chronos2: files: expected a model's files by name");
    const wasi = new Files(files);
    const code = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
    const known = wasi.imports();
    const imports = {};
    for (const {module, name} of WebAssembly.Module.imports(code)) {
      (imports[module] ??= {})[name] = known[name] ? ofUnsigned(known[name]) : () => ENOSYS;
    }
    const instance = await WebAssembly.instantiate(code, imports);
    const exports = Object.fromEntries(Object.entries(instance.exports).map(([name, value]) => [name, toUnsigned(value)]));
    wasi.memory = exports.memory;
    exports._initialize();
    return new Chronos2(exports, dtype, isa);
  }

  constructor(module, dtype, isa) {
    this.module = module;
    const scratch = new Scratch(module);
    this.handle = module.module_open(...['/', dtype, isa].map((text) => scratch.text(text)[0]));
    scratch.free();
    if (!this.handle) throw this.failure();
    const count = module.module_quantiles(this.handle);
    this.quantileLevels = [...new Float64Array(module.memory.buffer, module.module_quantile_levels(this.handle), count)];
    this.isa = textAt(module, module.module_isa(this.handle));
  }

  /* The error's `remedy` is the option that helps, where there is one. */
  failure() {
    const at = this.module.module_remedy();
    const remedy = at ? textAt(this.module, at).replaceAll('-', '_') : null;
    const text = `chronos2: ${textAt(this.module, this.module.module_error())}`;
    return Object.assign(new Error(remedy ? `${text}; give ${remedy}` : text), {remedy});
  }

  /* What `ask` is answered, a function of a Scratch that returns an answer; `take` is given its text and itself. */
  answered(ask, take = (told) => told) {
    const scratch = new Scratch(this.module);
    let answer = 0;
    try {
      answer = ask(scratch);
      if (!answer) throw this.failure();
      return take(JSON.parse(textAt(this.module, this.module.module_answer_text(answer))), answer);
    } finally {
      this.module.module_answer_free(answer);
      scratch.free();
    }
  }

  /* series: objects as in JSON Lines (docs/jsonl.md): target is an array of numbers or, of several targets, an array of
   * those; past_covariates and future_covariates hold arrays by name; start and freq give the forecast time stamps;
   * null, undefined and NaN are missing. options: horizon, context_length, batch_size, cross_learning. Returns for each
   * series {item_id, timestamps, quantiles}: [targets][levels] arrays of `horizon` numbers, and time stamps where there is
   * a calendar. The returned array's `warnings` are lines for the user: what was filled in, ignored or not trained for.
   * Throws what can't be. */
  predict(series, options = {}) {
    if (!this.handle) throw new Error('chronos2: the model is closed');
    const request = {options: plain(options, 'options'), series: plain(series, 'series')};
    return this.answered(
      (scratch) => this.module.module_predict(this.handle, ...scratch.json(request)),
      (told, answer) => {
        const forecast = this.module.module_answer_forecast(answer);
        const results = told.series.map(({targets, timestamps}, i) => ({
          item_id: series[i].item_id, timestamps, quantiles: this.quantiles(forecast, i, targets, options.horizon)}));
        return Object.assign(results, {warnings: told.warnings});
      });
  }

  /* text: a CSV file, read as the program `chronos2` reads one (docs/data.md). options, all as the program's:
   * id_column, timestamp_column, target and covariates (names), wide, freq, delimiter, decimal, time_format. Returns
   * {series, timestamps, summary, warnings}: series as predict takes them, for each of them the time stamps of its steps,
   * and what is to be said of the file. Throws what can't be read or may be read in two ways. */
  readTable(text, options = {}) {
    return this.table('module_table', text, options);
  }

  /* [{name, holds}] of a table's columns: 'times', 'numbers' or 'texts', by the first row that is not empty. options:
   * those of readTable. */
  columns(text, options = {}) {
    return this.table('module_columns', text, options).columns;
  }

  table(how, text, options) {
    if (typeof text !== 'string') throw new Error(`chronos2: CSV: expected a text, found ${nameOf(text)}`);
    return this.answered((scratch) => this.module[how](...scratch.json(plain(options, 'options')), ...scratch.text(text)));
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
