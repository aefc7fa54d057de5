/* Tables as text: that they are read as the program reads them, and what the page makes of a pasted one. */
import assert from 'node:assert/strict';
import test from 'node:test';

import {readPasted} from '../../examples/browser/csv.mjs';
import {Chronos2} from '../../wasm/chronos2.mjs';
import {micro, wasm} from './module.mjs';

const model = await Chronos2.open({wasm, files: micro()});
const target = (text, ...how) => readPasted(model, text, ...how).series[0].target;
const daily = (cells) => `timestamp,y\n${cells.map((c, i) => `${c},${i + 1}\n`).join('')}`;
const future = (cells, reading) => model.predict(readPasted(model, daily(cells), {}, reading).series, {horizon: 2})[0].timestamps;
const refused = (text, pattern, ...how) => assert.throws(() => readPasted(model, text, ...how), pattern, text);

test('tables that people paste', () => {
  assert.deepEqual(target('timestamp,target\n2024-01-01,1\n2024-01-02,\n2024-01-03,3.5\n'), [1, null, 3.5]);
  assert.deepEqual(target('day;"a;b"\r\n2024-01-01;4\r\n2024-01-02;"5"\r\n2024-01-03;6\r\n'), [4, 5, 6]);
  assert.deepEqual(target('a\tb\n1\t2\n3\tNA\n', {target: 1}), [2, null]);
  assert.deepEqual(target('timestamp|y\n2024-01-01|1\n2024-01-02|2\n2024-01-03|3\n'), [1, 2, 3]);
  assert.deepEqual(target('day;y\n2024-01-01;1,5\n2024-01-02;2,5\n2024-01-03;3,5\n'), [1.5, 2.5, 3.5]);
  assert.deepEqual(target(',sales\n0,5\n1,6\n2,7\n'), [5, 6, 7]); // pandas writes its index without a name
  assert.deepEqual(target('sku,y\nitem 2001,1\nitem 2002,2\nitem 2003,3\n'), [1, 2, 3]);
  const two = readPasted(model, 'item_id,timestamp,y\nx,2024-01-01,1\nz,2024-01-01,7\nx,2024-01-02,2\nx,2024-01-03,3\nz,2024-01-02,8\n');
  assert.deepEqual(two.series.map((s) => s.item_id), ['x', 'z']);
  assert.deepEqual(two.series.map((s) => s.target), [[1, 2, 3], [7, 8]]);
  assert.deepEqual(two.roles, {id: 0, time: 1, target: 2});
  assert.deepEqual(two.timestamps[1], ['2024-01-01', '2024-01-02']);
});

test('columns are told by the options of readTable', () => {
  const holds = (text, ...how) => model.columns(text, ...how).map((c) => c.holds);
  assert.deepEqual(holds('a;b\n1,5;x\n'), ['numbers', 'texts']);
  assert.deepEqual(holds('a;b\n1;x\n', {delimiter: ','}), ['texts']);
  assert.deepEqual(holds('d,y\n3/1/24,1\n'), ['texts', 'numbers']);
  assert.deepEqual(holds('d,y,z\n,,\n2024-01-03,1,x\n'), ['times', 'numbers', 'texts']);
  assert.deepEqual(holds('d,y\n,\n'), ['numbers', 'numbers']);
  assert.deepEqual(holds('d,y\n3/1/24,1\n', {time_format: '%d/%m/%y', freq: undefined}), ['times', 'numbers']);
  for (const how of [(options) => model.columns('a;b\n1;2\n', options), (options) => model.readTable('a;b\n1;2\n', options)]) {
    assert.throws(() => how({delimeter: ';'}), /delimeter: unknown key "delimeter"; expected id_column, .*delimiter/);
    for (const bad of [null, 'x', 7, []]) assert.throws(() => how(bad), /chronos2: (columns|readTable): expected an object of options/);
  }
});

test('a format of times finds the column of times', () => {
  const text = 'd,y\n3/1/24,1\n4/1/24,2\n5/1/24,3\n';
  assert.deepEqual(readPasted(model, text).roles, {id: -1, time: -1, target: 1});
  const read = readPasted(model, text, {}, {time_format: '%d/%m/%y'});
  assert.deepEqual([read.roles, read.timestamps[0]], [{id: -1, time: 0, target: 1}, ['2024-01-03', '2024-01-04', '2024-01-05']]);
  for (const wrong of [{time_format: '%Q'}, {decimal: 'x'}, {freq: 'fortnight'}]) {
    const [name] = Object.keys(wrong);
    assert.throws(() => readPasted(model, text, {}, wrong), (error) => error.message.includes(`${name}: `) && error.columns.length === 2);
  }
});

test('what is found or filled in is said', () => {
  const holes = readPasted(model, daily(['2024-01-01', '2024-01-02', '2024-01-05', '2024-01-06']));
  assert.deepEqual(holes.series[0].target, [1, 2, null, null, 3, 4]);
  assert.match(holes.summary, /4 rows, daily \(D\), 2 steps filled in/);
  assert.match(readPasted(model, 'd;y;x\n2024-01-01;1,5;1\n2024-01-02;2,5;1\n2024-01-03;3,5;1\n').summary,
               /read with a semicolon between fields, a decimal comma, ignored column: x/);
  assert.match(readPasted(model, 'year,y\n2001,1\n2002,2\n2003,5\n').warnings[0], /column 'year' is read as years/);
  assert.match(readPasted(model, 'y\n1\n2\n').warnings[0], /rows of an item count as steps 1, 2, \.\.\./);
  assert.match(model.predict(readPasted(model, 'y,x\n1,1\n,1\n').series, {horizon: 1}).warnings[0], /ends in missing targets/);
});

test('a covariate that is partly numbers is told', () => {
  const read = (cell) => model.readTable(`timestamp,y,x\n2024-01-01,1,1\n2024-01-02,2,${cell}\n2024-01-03,3,3\n`, {target: 'y', covariates: 'x'});
  assert.deepEqual(read('-').warnings, ["column 'x' is read as categories: '-' at line 3 is no number"]);
  assert.deepEqual(read('').warnings, []);
});

test('time goes on in the steps of the past', () => {
  assert.deepEqual(future(['2023-11-01', '2023-12-01', '2024-01-01']), ['2024-02-01', '2024-03-01']);
  assert.deepEqual(future(['2021-01-01', '2022-01-01', '2023-01-01']), ['2024-01-01', '2025-01-01']);
  assert.deepEqual(future(['2024-02-26', '2024-02-27', '2024-02-28']), ['2024-02-29', '2024-03-01']);
  assert.deepEqual(future(['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']), ['2024-05-31', '2024-06-30']);
  assert.deepEqual(future(['2024-01-01T00:00+02:00', '2024-01-02T00:00+02:00', '2024-01-03T00:00+02:00']),
                   ['2024-01-04 00:00:00+02:00', '2024-01-05 00:00:00+02:00']);
  assert.deepEqual(future(['2024-01-01 9:00', '2024-01-01 10:00', '2024-01-01 11:00']), ['2024-01-01 12:00:00', '2024-01-01 13:00:00']);
  assert.deepEqual(future(['2024Q1', '2024Q2', '2024Q3']), ['2024-10-01', '2025-01-01']);
  assert.deepEqual(future(['03.01.2024', '04.01.2024', '05.01.2024'], {time_format: '%d.%m.%Y'}), ['2024-01-06', '2024-01-07']);
  assert.deepEqual(future(['2024-01-03', '2024-01-01', '2024-01-02']), ['2024-01-04', '2024-01-05']); // rows may come in any order
  const days = ['2024-03-30T00:00+01:00', '2024-03-31T00:00+01:00', '2024-04-01T00:00+02:00', '2024-04-02T00:00+02:00'];
  assert.deepEqual(readPasted(model, daily(days)).timestamps[0][1], '2024-03-31 00:00:00+01:00'); // of its own row
  const steps = readPasted(model, 'y\n1\n2\n');
  assert.deepEqual(model.predict(steps.series, {horizon: 1})[0].timestamps, ['3']);
});

test('what can be read in two ways, or in none, is refused', () => {
  refused('', /CSV: empty/);
  refused('a,b\n', /a header but no rows/);
  refused('a,b\n1,2\n3\n', /CSV:3: expected 2 fields as in the header, found 1/);
  refused('a,b\n1,"2\n', /the quote that opens it is never closed/);
  refused('name\nx\ny\n', /no column holds numbers/);
  refused('y\n1\nx7\n', /CSV:3: column 'y': expected a finite number or nothing, found 'x7'/);
  for (const bad of ['0x20', '0b11', 'Infinity', '1e999', '1_000']) refused(`y\n1\n${bad}\n`, /expected a finite number or nothing/);
  refused('y\n1\n\n3\n', /CSV:3: an empty line in a table of one column/);
  refused('a,y,y\n1,2,3\n2,3,4\n', /several columns are named 'y'/);
  refused('2020,2021\n1,2\n3,4\n', /the first line holds numbers/);
  refused('d;y\n2024-01-01;1.020\n2024-01-02;998\n2024-01-03;1.004\n', /; give decimal$/);
  refused(daily(['03.01.2024', '04.01.2024', '05.01.2024']), /may be 2024-01-03 .* or 2024-03-01 .*; give time_format$/);
  refused(daily(['03/01/2024', '04/01/2024', '05/01/2024']), /may be 2024-01-03 .* or 2024-03-01 .*; give time_format$/);
  refused(daily(['2024-01-01', '2024-01-01', '2024-01-02']), /already has a row for 2024-01-01/);
  refused('y\r1\r2\r', /carriage return/);
  refused(daily(['2024-01-01', '2024-01-02']), /; give freq$/);
  refused('day,y\n2024-01-01,1\n', /column 'day' holds time stamps; give timestamp_column$/, {time: -1});
});

test('how a table is to be read', () => {
  const read = (options) => model.readTable('timestamp,a,b\n2024-01-01,1,x\n2024-01-02,2,\n2024-01-03,3,x\n', options);
  assert.deepEqual(read({target: 'a', covariates: ['b']}).series[0],
                   {item_id: '0', start: '2024-01-01', freq: 'D', target: [1, 2, 3], past_covariates: {b: ['x', null, 'x']}});
  assert.deepEqual(model.readTable('timestamp,a,b\n1,1,5\n2,2,6\n3,3,7\n', {wide: true}).series,
                   [{item_id: 'a', start: 1, freq: '1', target: [1, 2, 3]}, {item_id: 'b', start: 1, freq: '1', target: [5, 6, 7]}]);
  assert.deepEqual(model.readTable('a,b\n1,5\n2,6\n', {target: ['a', 'b']}).series[0].target, [[1, 2], [5, 6]]);
  assert.deepEqual(model.readTable('a,p\n1,true\n2,\n', {target: 'a', covariates: 'p'}).series[0].past_covariates, {p: [true, null]});
  assert.throws(() => read({}), /expected a column 'target', found timestamp, a, b/);
  assert.throws(() => read({targets: 'a'}), /targets: unknown key "targets"; expected id_column/);
  assert.throws(() => read({target: 3}), /target: expected a text, found a number/);
  assert.throws(() => read({target: 'a', decimal: 'x'}), /decimal: expected one of the signs/);
  assert.throws(() => read({target: 'a', freq: 'fortnight'}), /freq: /);
  assert.throws(() => read({target: 'a', time_format: '%Q'}), /time_format: /);
  assert.throws(() => model.readTable(new Uint8Array(3)), /expected a text, found Uint8Array/);
});
