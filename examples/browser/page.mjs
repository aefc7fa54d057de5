/* The page: loads the model once, forecasts whatever is in the text area, draws it. */
import {Chronos2} from './chronos2.mjs';
import {readPasted} from './csv.mjs';
import {digitsApart, fanChart} from './fan.mjs';

const $ = (id) => document.getElementById(id);
let model = null;
let table = null;
let whole = null; // a file that is too long for the text area: {name, text}

function say(text, bad = false, warnings = []) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
  $('warnings').replaceChildren(...warnings.map((w) => Object.assign(document.createElement('li'), {textContent: w})));
  if (bad) {
    $('chart').replaceChildren();
    $('legend').hidden = $('numbers').hidden = true;
  }
}

/* The options that the library's messages name are what these controls are called here. */
const CONTROLS = {id_column: 'id', timestamp_column: 'time', target: 'target', time_format: 'time_format', freq: 'freq',
                  decimal: 'decimal', delimiter: 'delimiter'};

function sayError(error) {
  const control = $(CONTROLS[error.remedy]);
  const text = error.message.replace(/^chronos2: /, '').replace(/; give \w+$/, '');
  if (control?.closest('details')) control.closest('details').open = true;
  say(control ? `${text}; choose “${control.closest('label').firstChild.textContent.trim()}”` : text, true);
}

const MOST_BYTES = 20e6, MOST_SHOWN = 1e6;

const count = (n, what) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

const column = ({name}) => name || '(without a name)';

/* Columns that may be chosen for a role; their values are their indices. */
function offer(role, {columns, roles, optional}) {
  const options = columns.map((c, i) => new Option(column(c), i));
  if (optional[role]) options.unshift(new Option('none', -1));
  $(role).replaceChildren(...options);
  $(role).value = roles[role];
}

async function bytes(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

/* A call of the module blocks: what it is for is painted before. */
const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

/* Of another table the columns are found anew; of the same one they are what the user chose. */
let readKey = null;
async function read() {
  if (!model) return;
  say('Reading …');
  await painted();
  const text = whole ? whole.text : $('csv').value;
  table = null;
  if (text.length > MOST_BYTES) return say('Expected a table of at most 20 MB', true);
  const key = `${$('delimiter').value}\n${text}`;
  const chosen = key === readKey ? Object.fromEntries(['id', 'time', 'target'].map((role) => [role, Number($(role).value)])) : {};
  const reading = Object.fromEntries(['time_format', 'freq', 'decimal', 'delimiter'].map((name) => [name, $(name).value || undefined]));
  const item = $('item').value;
  try {
    table = readPasted(model, text, chosen, reading);
    offerAll(table, key);
    $('item').replaceChildren(...table.series.map((s, i) => new Option(s.item_id, i)));
    if (chosen.id !== undefined && item < table.series.length) $('item').value = item;
    $('item-label').hidden = table.series.length < 2;
  } catch (error) {
    if (error.columns) offerAll(error, key);
    return sayError(error);
  }
  forecast();
}

function offerAll(found, key) {
  for (const role of ['id', 'time', 'target']) offer(role, found);
  readKey = key;
}

function forecast() {
  if (!table) return;
  try {
    const series = table.series[$('item').value];
    const past = series.target;
    const horizon = $('horizon').valueAsNumber;
    if (!(Number.isInteger(horizon) && horizon >= 1 && horizon <= 1024)) throw new Error('expected 1 to 1,024 steps ahead');
    const began = performance.now();
    const forecasts = model.predict([series], {horizon});
    const spent = performance.now() - began;
    const [{timestamps, quantiles: [levels]}] = forecasts;
    const at = (level) => levels[model.quantileLevels.findIndex((q) => Math.abs(q - level) < 1e-9)];
    draw(past, at, [...table.timestamps[$('item').value], ...timestamps], horizon);
    const used = past.slice(-model.contextLength).filter((v) => v !== null).length;
    const told = [...table.warnings, ...forecasts.warnings];
    if (whole) told.unshift(`the text area shows the first lines of ${whole.name}, which is read whole; what is typed there takes its place`);
    say(`${table.summary}. ${count(horizon, 'step')} from the last ${count(used, 'observation')} in ${spent.toFixed(0)} ms.`, false, told);
  } catch (error) {
    sayError(error);
  }
}

function draw(past, at, times, horizon) {
  const width = Math.max(300, $('chart').clientWidth);
  const bands = [[at(0.05), at(0.95), 0.18], [at(0.25), at(0.75), 0.24]];
  $('chart').innerHTML = fanChart({past, median: at(0.5), bands, times, width});
  const shown = [0.05, 0.25, 0.5, 0.75, 0.95];
  const rows = Array.from({length: horizon}, (_, i) => [times[past.length + i], ...shown.map((q) => at(q)[i])]);
  const digits = digitsApart(rows.map((row) => [row[1], row.at(-1)]));
  const cells = (tag, row) => `<tr>${row.map((v) => `<${tag}>${typeof v === 'number' && tag === 'td' ? v.toPrecision(digits) : v}</${tag}>`).join('')}</tr>`;
  $('table').innerHTML = cells('th', ['step', ...shown]) + rows.map((r) => cells('td', r)).join('');
  const csv = [['timestamp', ...shown], ...rows].map((r) => r.join(',')).join('\n');
  URL.revokeObjectURL($('download').href);
  $('download').href = URL.createObjectURL(new Blob([`${csv}\n`], {type: 'text/csv'}));
  $('legend').hidden = $('numbers').hidden = false;
}

async function readFile(file) {
  if (file.size > MOST_BYTES) return say(`${file.name}: expected at most 20 MB`, true);
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(await file.arrayBuffer());
    whole = text.length > MOST_SHOWN ? {name: file.name, text} : null;
    $('csv').value = whole ? text.slice(0, text.lastIndexOf('\n', 1e4) + 1) || text.slice(0, 1e4) : text;
  } catch {
    return say(`${file.name}: expected text in UTF-8`, true);
  }
  return read();
}

let waiting = 0;
function readSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(read, 400);
}
$('csv').addEventListener('input', () => {
  whole = null;
  readSoon();
});
$('controls').addEventListener('input', ({target}) => {
  if (target.id === 'item' || target.id === 'horizon') forecast();
  else if (target.type !== 'file') readSoon();
});
$('controls').addEventListener('submit', (event) => event.preventDefault());
$('file').addEventListener('change', (event) => event.target.files[0] && readFile(event.target.files[0]));
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', () => document.body.classList.remove('dropping'));
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  if (event.dataTransfer.files[0]) readFile(event.dataTransfer.files[0]);
});
let drawn = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === drawn) return;
  drawn = innerWidth;
  forecast();
});

try {
  const [wasm, config, weights, sample] = await Promise.all(
    ['chronos2.wasm', 'model/config.json', 'model/model.safetensors', 'sample.csv'].map(bytes));
  model = await Chronos2.open({wasm, files: {'config.json': config, 'model.safetensors': weights}});
  model.contextLength = JSON.parse(new TextDecoder().decode(config)).chronos_config.context_length;
  if ($('csv').value === '') $('csv').value = new TextDecoder().decode(sample);
  read();
} catch (error) {
  say(`The model can't be loaded: ${error.message}`, true);
}
