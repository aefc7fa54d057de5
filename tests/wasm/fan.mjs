/* What the page's chart shows. */
import assert from 'node:assert/strict';
import test from 'node:test';

import {digitsApart, fanChart} from '../../examples/browser/fan.mjs';

const wave = (n, f) => Array.from({length: n}, (_, i) => f(Math.sin(i / 5)));

/* Of a chart of this past: texts of the y axis and of the x axis, line by line, and the whole. */
function drawn(past, {horizon = 4, stamp = (i) => String(i + 1), value = past.findLast((v) => v !== null), width = 1000} = {}) {
  const median = Array(horizon).fill(value);
  const times = Array.from({length: past.length + horizon}, (_, i) => stamp(i));
  const svg = fanChart({past, median, bands: [[median, median, 0.2]], times, width});
  const y = [...svg.matchAll(/text-anchor="end">([^<]+)<\/text>/g)].map((m) => m[1]);
  const x = [...svg.matchAll(/<text y=[^>]+>(.*?)<\/text>/g)].map((m) => [...m[1].matchAll(/>([^<]+)</g)].map((t) => t[1]));
  return {svg, y, x};
}

test('labels of the y axis tell its ticks apart', () => {
  assert.deepEqual(drawn(wave(80, (s) => 105000 + 1500 * s)).y, ['104,000', '105,000', '106,000']);
  assert.deepEqual(drawn(wave(80, (s) => 1.0002 + 0.0002 * s)).y, ['1.0000', '1.0001', '1.0002', '1.0003', '1.0004']);
  assert.deepEqual(drawn(wave(80, (s) => s)).y, ['-1.0', '-0.5', '0.0', '0.5', '1.0']);
  assert.deepEqual(drawn(wave(80, (s) => 1e30 * (2 + s))).y, ['1.0e+30', '1.5e+30', '2.0e+30', '2.5e+30', '3.0e+30']);
  assert.deepEqual(drawn(wave(80, (s) => 1e-30 * s)).y, ['-1.0e-30', '-5e-31', '0', '5e-31', '1.0e-30']);
});

test('digits tell the ends of rows apart', () => {
  assert.equal(digitsApart([[1, 2], [10, 30]]), 6);
  assert.equal(digitsApart([[1, 2], [1234564, 1234570], [5, 5]]), 9);
  assert.equal(digitsApart([[-1e9 - 1, -1e9 + 1]]), 12);
  assert.equal(digitsApart([[1, 1 + 2 ** -52]]), 17);
  assert.equal(digitsApart([]), 6);
});

test('a constant has an axis, also where it differs from itself by roundings', () => {
  for (const value of [2e11, 2e11 + 2 ** -14, -2e11]) {
    const {y, svg} = drawn(Array(100).fill(Math.round(value)), {value});
    assert.ok(y.length >= 4 && new Set(y).size === y.length, y.join(' '));
    assert.ok(!svg.includes('NaN'));
  }
  assert.ok(drawn([0, 0, 0]).y.includes('0.00'));
});

test('time stamps are whole where they are no years', () => {
  const past = wave(80, (s) => s);
  assert.deepEqual(drawn(past, {stamp: (i) => String(10000 + 10 * i)}).x.at(-1), ['10830']);
  assert.deepEqual(drawn(past, {stamp: (i) => `${1900 + i}-01-01`}).x[0], ['1920']);
  assert.deepEqual(drawn(past, {stamp: (i) => `2024-01-${String(i % 28 + 1).padStart(2, '0')}`}).x[0], ['2024-01-21']);
  const clock = (seconds) => (i) => new Date(Date.UTC(2023, 11, 31, 23) + 1000 * seconds * i).toISOString().slice(0, 19).replace('T', ' ');
  assert.deepEqual(drawn(past, {stamp: clock(3600)}).x.at(-1), ['2024-01-04', '10:00']);
  assert.deepEqual(drawn(past, {stamp: clock(20)}).x.at(-1), ['2023-12-31', '23:27:40']);
  assert.deepEqual(drawn([1], {horizon: 1}).x, [['1'], ['2']]);
});

test('observations and forecasts without neighbours are seen', () => {
  const dots = (past) => [...drawn(past).svg.matchAll(/<circle/g)].length;
  assert.equal(dots([1, null, 2, null, 3, 4]), 2);
  assert.equal(dots([1, 2, 3]), 0);
  assert.equal(dots([5]), 1);
  const [, from, to] = drawn([1, 2, null], {horizon: 1}).svg.match(/class="median" d="M([\d.]+) [\d.]+L([\d.]+)/);
  assert.ok(Number(to) > Number(from) + 10);
});
