/* The page: loads the model once, forecasts whatever is in the text area, draws it. */
import {Chronos2} from './chronos2.mjs';
import {readPasted} from './csv.mjs';
import {fanChart} from './fan.mjs';

const $ = (id) => document.getElementById(id);
let model = null;
let table = null;

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

/* Of another table the columns are found anew; of the same one they are what the user chose. */
let readKey = null;
function read() {
  if (!model) return;
  const text = $('csv').value;
  const key = `${$('delimiter').value}\n${text}`;
  const chosen = key === readKey ? Object.fromEntries(['id', 'time', 'target'].map((role) => [role, Number($(role).value)])) : {};
  const reading = Object.fromEntries(['time_format', 'freq', 'decimal', 'delimiter'].map((name) => [name, $(name).value || undefined]));
  const item = $('item').value;
  table = null;
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
    const used = Math.min(past.length, model.contextLength);
    say(`${table.summary}. ${horizon} steps from the last ${used.toLocaleString('en')} observations in ${spent.toFixed(0)} ms.`, false,
        [...table.warnings, ...forecasts.warnings]);
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
  const cells = (tag, row) => `<tr>${row.map((v) => `<${tag}>${typeof v === 'number' && tag === 'td' ? v.toPrecision(6) : v}</${tag}>`).join('')}</tr>`;
  $('table').innerHTML = cells('th', ['step', ...shown]) + rows.map((r) => cells('td', r)).join('');
  const csv = [['timestamp', ...shown], ...rows].map((r) => r.join(',')).join('\n');
  URL.revokeObjectURL($('download').href);
  $('download').href = URL.createObjectURL(new Blob([`${csv}\n`], {type: 'text/csv'}));
  $('legend').hidden = $('numbers').hidden = false;
}

async function readFile(file) {
  if (file.size > 20e6) return say(`${file.name}: expected at most 20 MB`, true);
  try {
    $('csv').value = new TextDecoder('utf-8', {fatal: true}).decode(await file.arrayBuffer());
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
$('csv').addEventListener('input', readSoon);
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
