/* The module's forecasts against PyTorch's on the golden cases, at each instruction set, with the bounds of
 * tests/test_predict.c. */
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'node:test';

import {Chronos2} from '../../wasm/chronos2.mjs';
import {micro, modelFiles, root, wasm} from './module.mjs';

const goldens = join(root, 'tests', 'golden');

/* Tensors of a safetensors file, float32: {shape, values}. */
function tensors(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const found = {};
  for (const [name, t] of Object.entries(header)) {
    if (name === '__metadata__' || t.dtype !== 'F32') continue;
    const data = bytes.subarray(8 + length + t.data_offsets[0], 8 + length + t.data_offsets[1]);
    found[name] = {shape: t.shape, values: new Float32Array(Uint8Array.from(data).buffer)};
  }
  return found;
}

/* Location and scale of a history, as the model sees it. */
function scaler(history) {
  const seen = history.filter((v) => typeof v === 'number');
  const mean = seen.reduce((a, b) => a + b, 0) / seen.length;
  return [mean, Math.sqrt(seen.reduce((a, b) => a + b * b, 0) / seen.length - mean * mean)];
}

/* Errors of the first `steps` steps through asinh, in units of each row's scale. */
function compare(result, golden, target, steps) {
  const [targets, levels, horizon] = golden.shape;
  const rows = Array.isArray(target[0]) ? target : [target];
  const sum = {worst: 0, values: 0, beyond: 0};
  assert.equal(result.quantiles.length, targets);
  for (let r = 0; r < targets; r++) {
    const [mean, scale] = scaler(rows[r]);
    for (let q = 0; q < levels; q++) {
      for (let s = 0; s < Math.min(steps, horizon); s++) {
        const a = Math.asinh((result.quantiles[r][q][s] - mean) / scale);
        const b = Math.asinh((golden.values[(r * levels + q) * horizon + s] - mean) / scale);
        const error = Math.abs(a - b);
        if (!(error <= sum.worst)) sum.worst = error;
        if (!(error <= 2e-4)) sum.beyond++;
        sum.values++;
      }
    }
  }
  return sum;
}

for (const isa of ['simd128', 'scalar']) {
  for (const name of ['model-smooth', 'model-odd']) {
    test(`${name}, ${isa}`, async () => {
      const files = modelFiles(join(goldens, name, 'weights'));
      const model = await Chronos2.open({wasm, files, isa});
      assert.equal(model.isa, isa);
      const config = JSON.parse(files['config.json'].toString()).chronos_config;
      const onePass = config.max_output_patches * config.output_patch_size;
      const folder = join(goldens, name, 'predict');
      const cases = readdirSync(folder).filter((f) => f.endsWith('.json'));
      assert.equal(cases.length, 8);
      let worst = 0;
      for (const file of cases) {
        const {inputs, predict} = JSON.parse(readFileSync(join(folder, file), 'utf8').replaceAll('NaN', 'null'));
        const golden = tensors(join(folder, file.replace('.json', '.safetensors')));
        const results = model.predict(inputs, {
          horizon: predict.prediction_length, context_length: predict.context_length ?? 0,
          batch_size: predict.batch_size ?? 0, cross_learning: predict.cross_learning ?? false});
        results.forEach((result, i) => {
          const once = compare(result, golden[`out.${i}`], inputs[i].target, onePass);
          const all = compare(result, golden[`out.${i}`], inputs[i].target, Infinity);
          assert.ok(once.values > 0 && once.worst <= 2e-4, `${file}, series ${i}: worst ${once.worst}`);
          assert.ok(all.worst <= 4e-3 && all.beyond * 50 <= all.values, `${file}, series ${i}: rollout ${all.worst}`);
          worst = Math.max(worst, once.worst);
        });
      }
      console.log(`${isa}, ${name}: ${cases.length} cases, worst ${worst.toPrecision(3)}`);
      model.close();
    });
  }
}

test('bf16 and int8 lie near float32', async () => {
  const files = micro();
  const target = Array.from({length: 200}, (_, i) => Math.sin(i / 5) + i / 100);
  const medians = {};
  for (const dtype of ['fp32', 'bf16', 'int8']) {
    const model = await Chronos2.open({wasm, files, dtype});
    medians[dtype] = model.predict([{target}], {horizon: 24})[0].quantiles[0][10];
    model.close();
  }
  for (const dtype of ['bf16', 'int8']) {
    const error = Math.max(...medians[dtype].map((v, i) => Math.abs(v - medians.fp32[i])));
    assert.ok(error > 1e-6 && error < 0.05, `${dtype}: ${error}`);
  }
});
