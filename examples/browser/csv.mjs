/* What the page asks of a pasted table: which of its columns are what, and its series. The module reads it. */

/* Names that columns often have. What the module takes by itself comes first. */
const USUAL = {
  id: ['item_id', 'unique_id', 'id', 'series'],
  time: ['timestamp', 'ds', 'date', 'datetime', 'time', 'year'],
  target: ['target', 'y', 'value'],
};
const OPTIONS = {id: 'id_column', time: 'timestamp_column', target: 'target'};

const isNumber = (name) => name.trim() !== '' && Number.isFinite(Number(name));

function usual(columns, role) {
  return USUAL[role].map((name) => columns.findIndex((c) => c.name.toLowerCase() === name)).find((i) => i >= 0) ?? -1;
}

/* The columns that are taken where the user has chosen none: indices, -1 for no column. */
function guess(columns) {
  const id = usual(columns, 'id');
  let time = columns.findIndex((c, i) => i !== id && c.name === USUAL.time[0]);
  if (time < 0) time = columns.findIndex((c, i) => i !== id && c.holds === 'times');
  if (time < 0) time = usual(columns, 'time');
  let target = usual(columns, 'target');
  if (target < 0) target = columns.findIndex((c, i) => i !== id && i !== time && c.name !== '' && c.holds === 'numbers');
  return {id, time, target};
}

/* By the options, since a time_format tells a column of dates. Where those can't be, readTable says so of these columns. */
function columnsOf(model, text, reading) {
  try {
    return model.columns(text, reading);
  } catch {
    return model.columns(text, {delimiter: reading.delimiter});
  }
}

/* Reads a table. chosen: {id, time, target}, each the index of a column, -1 for none, or undefined: by its name and its
 * first cell; and reading: {delimiter, decimal, time_format, freq}, as readTable takes them. Returns the columns, which of
 * them {id, time, target} are, which may be none, and what readTable returns. */
export function readPasted(model, text, chosen = {}, reading = {}) {
  const columns = columnsOf(model, text, reading);
  if (columns.every(({name}) => isNumber(name))) {
    throw new Error("CSV: the first line holds numbers: expected the columns' names there, such as 'timestamp,target'");
  }
  const roles = {...guess(columns)};
  const optional = {};
  for (const role of ['id', 'time']) optional[role] = columns.every((c) => c.name !== USUAL[role][0]);
  for (const role of Object.keys(roles)) {
    const column = chosen[role];
    if (column !== undefined && column < columns.length && (column >= 0 || optional[role])) roles[role] = column;
  }
  const options = {...reading};
  for (const [role, index] of Object.entries(roles)) if (index >= 0) options[OPTIONS[role]] = columns[index].name;
  try {
    if (roles.target < 0) throw Object.assign(new Error('CSV: no column holds numbers in its first row'), {remedy: 'target'});
    return {columns, roles, optional, ...model.readTable(text, options)};
  } catch (error) {
    throw Object.assign(error, {columns, roles, optional});
  }
}
