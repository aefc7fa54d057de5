/* The page's reader of pasted tables: what it makes of them, and where it says that one can't be read. */
import assert from 'node:assert/strict';
import test from 'node:test';

import {futureTimes, numbersOf, readTable} from '../../examples/browser/csv.mjs';

const only = (text, column) => numbersOf([...readTable(text).items.values()][0], column);

test('tables that people paste', () => {
  assert.deepEqual(only('timestamp,target\n2024-01-01,1\n2024-01-02,\n2024-01-03,3.5\n', 'target'), [1, null, 3.5]);
  assert.deepEqual(only('day;"a;b"\r\n2024-01-01;4\r\n2024-01-02;"5"\r\n', 'a;b'), [4, 5]);
  assert.deepEqual(only('1\n2\n3\n', 'value'), [1, 2, 3]);
  assert.deepEqual(only('a\tb\n1\t2\n3\tNA\n', 'b'), [2, null]);
  const two = readTable('item_id,timestamp,y\nx,2024-01-01,1\nz,2024-01-01,7\nx,2024-01-02,2\n');
  assert.deepEqual([...two.items.keys()], ['x', 'z']);
  assert.deepEqual(numbersOf(two.items.get('x'), 'y'), [1, 2]);
  assert.deepEqual(two.columns, ['y']);
});

test('tables that can not be read', () => {
  assert.throws(() => readTable(''), /expected a header/);
  assert.throws(() => readTable('a,b\n1,2\n3\n'), /line 3: expected 2 fields, found 1/);
  assert.throws(() => readTable('a,b\n1,"2\n'), /line 2: a quote is not closed/);
  assert.throws(() => readTable('name\nx\ny\n'), /no column holds numbers/);
  assert.throws(() => only('y\n1\n\nx7\n', 'y'), /line 4, column y: expected a number, found 'x7'/);
});

test('time goes on in the steps of the past', () => {
  const iso = (days, n) => futureTimes(days.map((d) => Date.parse(d)), n).map((t) => new Date(t).toISOString().slice(0, 10));
  assert.deepEqual(iso(['2023-11-01', '2023-12-01', '2024-01-01'], 2), ['2024-02-01', '2024-03-01']);
  assert.deepEqual(iso(['2021-01-01', '2022-01-01', '2023-01-01'], 2), ['2024-01-01', '2025-01-01']);
  assert.deepEqual(iso(['2024-02-26', '2024-02-27', '2024-02-28'], 2), ['2024-02-29', '2024-03-01']);
  assert.equal(futureTimes(null, 3), null);
  assert.throws(() => futureTimes([3, 2, 1], 1), /do not rise/);
});
