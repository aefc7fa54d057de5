/* Reads a table that somebody pasted: a header, then rows; commas, semicolons or tabs. Throws an Error that names the line
 * and the column of what can't be read. */

const MISSING = new Set(['', 'na', 'nan', 'n/a', 'null', 'none', '-']);
const IDS = ['item_id', 'unique_id', 'id', 'series'];

/* Fields of all rows, with quotes as RFC 4180 has them; empty lines are left out. Each row knows its line. */
function rowsOf(text, delimiter) {
  const rows = [];
  let row = [];
  let field = '';
  let quoted = false;
  let line = 1;
  let began = 1;
  const end = () => {
    row.push(field.trim());
    if (row.length > 1 || row[0] !== '') rows.push({line: began, cells: row});
    row = [];
    field = '';
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\n') line++;
    if (quoted) {
      if (c === '"' && text[i + 1] === '"') field += text[i++];
      else if (c === '"') quoted = false;
      else field += c;
    } else if (c === '"' && field.trim() === '') {
      quoted = true;
      field = '';
    } else if (c === delimiter) {
      row.push(field.trim());
      field = '';
    } else if (c === '\n') {
      end();
      began = line;
    } else if (c !== '\r') {
      field += c;
    }
  }
  if (quoted) throw new Error(`line ${began}: a quote is not closed`);
  end();
  return rows;
}

const isNumber = (cell) => MISSING.has(cell.toLowerCase()) || Number.isFinite(Number(cell));
/* In UTC unless the cell says otherwise. */
const timeOf = (cell) => Date.parse(/^\d{4}-\d\d-\d\d[T ][\d:.]+$/.test(cell) ? `${cell.replace(' ', 'T')}Z` : cell);
const isTime = (cell) => /\d{4}/.test(cell) && Number.isFinite(Date.parse(cell));

/* {items: {id: {times, values: {column: [...]}}}, columns}: columns of numbers, missing ones null; times in milliseconds,
 * or null where the table has none. */
export function readTable(text) {
  const first = text.slice(0, text.indexOf('\n') < 0 ? text.length : text.indexOf('\n'));
  const delimiter = ['\t', ';', ','].find((d) => first.includes(d)) ?? ',';
  let rows = rowsOf(text.replace(/^\ufeff/, ''), delimiter);
  if (rows.length < 2) throw new Error('expected a header and rows of numbers');
  let names = rows[0].cells;
  if (names.every(isNumber)) names = names.map((_, i) => (names.length === 1 ? 'value' : `column ${i + 1}`));
  else rows = rows.slice(1);
  for (const {line, cells} of rows) {
    if (cells.length !== names.length) throw new Error(`line ${line}: expected ${names.length} fields, found ${cells.length}`);
  }
  const id = names.findIndex((n) => IDS.includes(n.toLowerCase()));
  const time = names.findIndex((_, i) => i !== id && rows.every(({cells}) => isTime(cells[i]) && !isNumber(cells[i])));
  const columns = names.filter((_, i) => i !== id && i !== time && rows.some(({cells}) => isNumber(cells[i]) && cells[i] !== ''));
  if (columns.length === 0) throw new Error('no column holds numbers');
  const items = new Map();
  for (const {line, cells} of rows) {
    const key = id < 0 ? '' : cells[id];
    if (!items.has(key)) items.set(key, {times: time < 0 ? null : [], values: Object.fromEntries(columns.map((c) => [c, []]))});
    const item = items.get(key);
    if (time >= 0) item.times.push(timeOf(cells[time]));
    names.forEach((name, i) => {
      if (!columns.includes(name) || i === id || i === time) return;
      if (!isNumber(cells[i])) {
        item.values[name].push({line, cell: cells[i]});
      } else {
        item.values[name].push(MISSING.has(cells[i].toLowerCase()) ? null : Number(cells[i]));
      }
    });
  }
  return {items, columns};
}

/* The numbers of a column; throws at the first cell that is none. */
export function numbersOf(item, column) {
  const bad = item.values[column].find((v) => v !== null && typeof v === 'object');
  if (bad) throw new Error(`line ${bad.line}, column ${column}: expected a number, found '${bad.cell.slice(0, 40)}'`);
  return item.values[column];
}

/* Time stamps of the next `horizon` steps by the most frequent step, in months where the steps are such. */
export function futureTimes(times, horizon) {
  if (!times || times.length < 3) return null;
  const months = (t) => new Date(t).getUTCFullYear() * 12 + new Date(t).getUTCMonth();
  const day = (t) => new Date(t).getUTCDate();
  const last = times.at(-1);
  const steps = times.slice(1).map((t, i) => t - times[i]);
  if (steps.some((s) => s <= 0)) throw new Error('the time stamps do not rise');
  const middle = [...steps].sort((a, b) => a - b)[steps.length >> 1];
  const byMonths = middle > 27.5 * 864e5 && times.every((t) => day(t) === day(times[0]));
  const monthSteps = times.slice(1).map((t, i) => months(t) - months(times[i]));
  const monthStep = [...monthSteps].sort((a, b) => a - b)[monthSteps.length >> 1];
  return Array.from({length: horizon}, (_, i) => {
    if (!byMonths) return last + middle * (i + 1);
    const d = new Date(last);
    d.setUTCMonth(d.getUTCMonth() + monthStep * (i + 1));
    return d.getTime();
  });
}
