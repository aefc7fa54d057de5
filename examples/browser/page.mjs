/* The page: loads the model once, forecasts whatever is in the text area, draws it. */
import {Chronos2} from './chronos2.mjs';
import {futureTimes, numbersOf, readTable} from './csv.mjs';
import {fanChart} from './fan.mjs';

const $ = (id) => document.getElementById(id);
let model = null;
let table = null;

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').classList.toggle('bad', bad);
  if (bad) {
    $('chart').replaceChildren();
    $('legend').hidden = $('numbers').hidden = true;
  }
}

/* Options of a select, the chosen one kept where it still exists. */
function fill(select, names) {
  const kept = select.value;
  select.replaceChildren(...names.map((n) => new Option(n, n)));
  if (names.includes(kept)) select.value = kept;
}

async function bytes(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

function read() {
  table = null;
  try {
    table = readTable($('csv').value);
    const ids = [...table.items.keys()];
    fill($('item'), ids);
    fill($('column'), table.columns);
    $('item-label').hidden = ids.length < 2;
  } catch (error) {
    return say(error.message, true);
  }
  forecast();
}

function forecast() {
  if (!model || !table) return;
  try {
    const item = table.items.get($('item').value);
    const past = numbersOf(item, $('column').value);
    const horizon = $('horizon').valueAsNumber;
    if (!(horizon >= 1 && horizon <= 1024)) throw new Error('expected 1 to 1,024 steps ahead');
    const began = performance.now();
    const [{quantiles: [levels]}] = model.predict([{target: past}], {horizon});
    const spent = performance.now() - began;
    const at = (level) => levels[model.quantileLevels.findIndex((q) => Math.abs(q - level) < 1e-9)];
    const future = futureTimes(item.times, horizon);
    draw(past, at, future && [...item.times, ...future], horizon);
    const used = Math.min(past.length, model.contextLength);
    say(`${horizon} steps from the last ${used.toLocaleString('en')} observations in ${spent.toFixed(0)} ms.`);
  } catch (error) {
    say(error.message, true);
  }
}

function draw(past, at, times, horizon) {
  const width = Math.max(300, $('chart').clientWidth);
  const bands = [[at(0.05), at(0.95), 0.18], [at(0.25), at(0.75), 0.24]];
  $('chart').innerHTML = fanChart({past, median: at(0.5), bands, times, width});
  const shown = [0.05, 0.25, 0.5, 0.75, 0.95];
  const stamp = (i) => (times ? new Date(times[past.length + i]).toISOString().slice(0, 19).replace('T00:00:00', '') : i + 1);
  const rows = Array.from({length: horizon}, (_, i) => [stamp(i), ...shown.map((q) => at(q)[i])]);
  const cells = (tag, row) => `<tr>${row.map((v) => `<${tag}>${typeof v === 'number' && tag === 'td' ? v.toPrecision(6) : v}</${tag}>`).join('')}</tr>`;
  $('table').innerHTML = cells('th', ['step', ...shown]) + rows.map((r) => cells('td', r)).join('');
  const csv = [['timestamp', ...shown], ...rows].map((r) => r.join(',')).join('\n');
  URL.revokeObjectURL($('download').href);
  $('download').href = URL.createObjectURL(new Blob([`${csv}\n`], {type: 'text/csv'}));
  $('legend').hidden = $('numbers').hidden = false;
}

async function readFile(file) {
  if (file.size > 20e6) return say(`${file.name}: expected at most 20 MB`, true);
  $('csv').value = await file.text();
  return read();
}

let waiting = 0;
$('csv').addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(read, 400);
});
$('controls').addEventListener('input', (event) => event.target.type !== 'file' && forecast());
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
