/* What the wrapper takes, refuses and warns of. */
import assert from 'node:assert/strict';
import test from 'node:test';

import {Chronos2} from '../../wasm/chronos2.mjs';
import {micro, wasm} from './module.mjs';

const files = micro();
const model = await Chronos2.open({wasm, files});
const past = [3, 1, 4, 1, 5, 9, 2, 6];
const median = ({quantiles}) => [...quantiles[0][model.quantileLevels.indexOf(0.5)]];

test('models that can not be opened', async () => {
  const {'config.json': config, 'model.safetensors': weights} = files;
  await assert.rejects(Chronos2.open({wasm, files: {'model.safetensors': weights}}), /config\.json/);
  await assert.rejects(Chronos2.open({wasm, files: {'config.json': config, 'model.safetensors': weights.subarray(0, 999999)}}),
                       /model\.safetensors/);
  await assert.rejects(Chronos2.open({wasm, files, dtype: 'fp8'}), /fp8/);
  await assert.rejects(Chronos2.open({wasm, files, isa: 'avx2'}), /avx2/);
  await assert.rejects(Chronos2.open({wasm, files, dtpye: 'int8'}), /dtpye: unknown option; expected wasm, files, dtype, isa/);
  for (const bad of [undefined, null, 'text', new Map(Object.entries(files)), Object.values(files)]) {
    await assert.rejects(Chronos2.open({wasm, files: bad}), /files: expected a model's files by name/);
  }
  for (const [bad, found] of [['{}', 'string'], [undefined, 'undefined'], [null, 'Null'], [7, 'number'], [[1, 2], 'Array'],
                              [new Response('{}'), 'Response'], [Promise.resolve(config), 'Promise']]) {
    await assert.rejects(Chronos2.open({wasm, files: {...files, 'config.json': bad}}),
                         {message: `chronos2: files['config.json']: expected bytes, found ${found}`});
  }
  const closed = await Chronos2.open({wasm, files});
  closed.close();
  assert.throws(() => closed.predict([{target: past}], {horizon: 2}), /the model is closed/);
});

test('files are bytes of any kind', async () => {
  const {'config.json': config, 'model.safetensors': weights} = files;
  const inside = new Uint8Array(config.length + 7); // a view that begins and ends within its buffer
  inside.set(config, 5);
  const shared = new SharedArrayBuffer(config.length);
  new Uint8Array(shared).set(config);
  const views = [inside.subarray(5, 5 + config.length), new DataView(inside.buffer, 5, config.length),
                 new Int8Array(inside.buffer, 5, config.length), Uint8Array.from(config).buffer, shared];
  for (const bytes of views) {
    const opened = await Chronos2.open({wasm, files: {'config.json': bytes, 'model.safetensors': weights}});
    assert.deepEqual(median(opened.predict([{target: past}], {horizon: 2})[0]), median(model.predict([{target: past}], {horizon: 2})[0]));
    opened.close();
  }
});

test('what is no series is refused, and where it is is said', () => {
  const refused = (series, pattern) => assert.throws(() => model.predict([series], {horizon: 2}), pattern);
  for (const bad of ['x', '3', '', true, new Date(5), [], [7], {}, 1n, Infinity]) {
    refused({target: [1, bad, 3]}, /chronos2: series\[0\]\.target\[1\]: /);
  }
  for (const bad of ['abc', '123', 3, null, {}, undefined]) refused({target: bad}, /chronos2: series\[0\]/);
  refused({target: [[1, 2], [1]]}, /row 1 has 1 values, expected 2/);
  refused({target: [1, [2, 3]]}, /target\[1\].*found an array/);
  refused({target: new BigInt64Array([1n, 2n])}, /target\[0\].*bigint/);
  refused({target: past, past_covariate: {a: past}}, /series\[0\]\.past_covariate: unknown key/);
  refused({target: [1, 2], past_covariates: {a: [1]}}, /past covariate "a" has 1 values, expected 2/);
  refused({target: [1, 2], past_covariates: {a: [{}, 2]}}, /past_covariates\.a/);
  refused({target: [1, 2], past_covariates: {a: [1, 2]}, future_covariates: {a: [1]}}, /future_covariates\.a: 1 values, expected the horizon's 2/);
  refused({target: [1, 2], past_covariates: {a: [1, 2]}, future_covariates: {a: [1, 'x']}}, /future_covariates\.a\[1\].*found a string/);
  for (const name of ['a', 'constructor', '__proto__']) {
    refused({target: [1, 2], future_covariates: Object.fromEntries([[name, [1, 2]]])}, /missing in "past_covariates"/);
  }
  refused({target: past, start: '03.01.2024', freq: 'D'}, /start/);
  refused({target: past, freq: 'fortnight'}, /freq/);
  assert.throws(() => model.predict({target: past}, {horizon: 2}), /expected an array of series/);
  assert.throws(() => model.predict([{target: past, item_id: 'a'}, {target: past, item_id: 'a'}], {horizon: 2}), /item 'a' is already/);
});

test('options that can not be are refused', () => {
  const refused = (options, pattern) => assert.throws(() => model.predict([{target: past}], options), pattern);
  refused(undefined, /horizon/);
  for (const horizon of [0, 1.5, '2', null, NaN, Infinity, 2 ** 32]) refused({horizon}, /options.*horizon/);
  for (const name of ['context_length', 'batch_size']) {
    for (const bad of ['abc', 2 ** 32, 1.5, -1]) refused({horizon: 2, [name]: bad}, new RegExp(`options\\.${name}`));
  }
  for (const bad of ['false', 0, null]) refused({horizon: 2, cross_learning: bad}, /options\.cross_learning: .*expected true or false/);
  refused({horizon: 2, contextLength: 1}, /options\.contextLength: unknown key "contextLength"; expected horizon, context_length/);
});

test('what is missing, and what arrays may be', () => {
  const [a, b, c] = [[3, null, 4, 1], [3, undefined, 4, 1], Float32Array.of(3, NaN, 4, 1)]
    .map((target) => median(model.predict([{target}], {horizon: 5, context_length: undefined})[0]));
  assert.deepEqual(a, b);
  assert.deepEqual(a, c);
  assert.ok(a.length === 5 && a.every(Number.isFinite));
  const named = (name) => ({target: past, past_covariates: Object.fromEntries([[name, past]])});
  assert.deepEqual(median(model.predict([named('constructor')], {horizon: 2})[0]), median(model.predict([named('a')], {horizon: 2})[0]));
  assert.deepEqual([...model.predict([], {horizon: 2})], []);
});

test('a calendar gives time stamps', () => {
  const stamps = (start, freq, horizon = 2) => model.predict([{target: past, start, freq}], {horizon})[0].timestamps;
  assert.deepEqual(stamps('2024-01-31', 'ME'), ['2024-09-30', '2024-10-31']);
  assert.deepEqual(stamps('2024-01-01 00:00+02:00', 'h'), ['2024-01-01 08:00:00+02:00', '2024-01-01 09:00:00+02:00']);
  assert.deepEqual(stamps(1, '1'), ['9', '10']);
  const [{item_id, timestamps}] = model.predict([{target: past, item_id: 7}], {horizon: 2});
  assert.equal(item_id, 7);
  assert.equal(timestamps, undefined);
});

test('what the user is told', () => {
  const told = (series, options = {horizon: 2}) => model.predict([series], options).warnings;
  const one = (series, options) => {
    const [text, ...more] = told(series, options);
    assert.deepEqual(more, []);
    return text;
  };
  assert.deepEqual(told({target: past}), []);
  assert.match(one({target: [null, null]}), /no observed value/);
  assert.match(one({target: [...past, null, null]}), /ends in missing targets, for 2 steps/);
  assert.match(one({target: past}, {horizon: 5000}), /horizon 5000 is beyond the \d+ steps that the model forecasts at once: the rest is rolled out/);
  assert.match(one({target: past}, {horizon: 2, context_length: 1e6}), /context length 1000000 is beyond the \d+ steps that the model was trained for: it is cut to them/);
  assert.match(one({target: past, start: '2024-01-01'}), /no time stamps/);
  assert.match(one({target: past, start: '2024-01-15', freq: 'MS'}), /start between two points/);
  assert.match(one({target: [1, 2], past_covariates: {a: ['x', 'y']}, future_covariates: {a: ['x', 'z']}}), /never had/);
  assert.match(one({target: [1, 2], past_covariates: {a: [1, 2]}, future_covariates: {a: [1, null]}}), /count.* as unknown/);
  assert.match(one({target: [1, 2], past_covariates: {a: [null, null]}}), /a covariate without an observed value/);
  const [rounded, flat] = [past.map((x) => 1e9 + x / 100), past.map(() => 1e9)];
  assert.match(one({target: [past, rounded]}), /^1 series, '0' the first, varies so little around its level that float32 rounds the bands: subtract/);
  assert.deepEqual(told({target: flat}), []);
  const joint = (options) => model.predict(Array(3).fill({target: past}), {horizon: 2, ...options}).warnings;
  assert.deepEqual(joint({cross_learning: true, batch_size: 2}), ['3 rows are more than batch_size 2: series inform each other within 2 passes only']);
  assert.deepEqual([...joint({cross_learning: true}), ...joint({batch_size: 2})], []);
});

test('memory beyond 2 GiB is as any other', async () => {
  const told = (m) => m.readTable('timestamp,y\n2026-01-31,3\n2026-02-28,1\n2026-03-31,4\n', {target: 'y'});
  const answers = (m) => [told(m), m.columns('a,b\n1,x\n'), m.isa, m.quantileLevels, median(m.predict([{target: past}], {horizon: 2})[0])];
  const {module} = await Chronos2.open({wasm, files});
  const low = (at) => at > 0 && at < 2 ** 31;
  for (const size of [2 ** 30, 2 ** 20, 2 ** 14, 2 ** 10, 2 ** 6, 16]) while (low(module.malloc(size))); // nothing is left below
  const high = new Chronos2(module, 'fp32', 'auto');
  assert.ok(high.handle >= 2 ** 31);
  assert.deepEqual(answers(high), answers(model));
  assert.throws(() => high.predict([{target: past}], {}), /horizon/);
});
