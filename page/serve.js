/* The server's page: a table becomes series, the server forecasts them, and sliders set the future of covariates.
 * Under sparse attention the pasts are encoded once, and a slider's move asks for the future alone. */
'use strict';
(() => {
  const { el, section, fan, strip, forget, drawAll, count, significant, start } = page;
  const find = (id) => document.getElementById(id);
  const levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
  const most = 2000; /* steps of history that are drawn */
  const roles = { id: 'item_id', time: 'timestamp', target: 'target' }; /* as the program's columns are called */

  /* ---- The table ------------------------------------------------------------------------------ */

  /* As the program has them: spaces around a number, a time or a number that is missing are no part of it, and a value is
   * missing in these spellings alone (data/cell.c); those around a word are part of it. */
  const bare = (text) => text.replace(/^ +| +$/g, '');
  const number = (text) => (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(bare(text)) ? Number(text) : NaN);
  const spellings = ['', 'NaN', 'nan', 'NA', 'N/A', 'n/a', '<NA>', 'null', 'NULL', 'None', '#N/A', '-NaN', '-nan'];
  const missing = (text) => spellings.includes(bare(text));

  /* A number or a date in another spelling. */
  const otherwise = /^[-+]?\d{1,3}([., ]?\d{3})*[.,]?\d*$|^[-+]?\d+,\d+$|^\d{4}[-.\/]\d\d?[-.\/]\d\d?([ T].*)?$|^\d\d?[-.\/]\d\d?[-.\/]\d{4}([ T].*)?$/;

  const DAY = 864e5;

  /* The form of a time stamp, and its instant in ms: a whole number, or ISO 8601 to the millisecond. NaN: neither. */
  function instant(cell) {
    const text = bare(cell);
    if (/^-?\d{1,15}$/.test(text)) return ['a whole number', Number(text)];
    const parts = /^(\d{4}-\d\d(?:-\d\d)?)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3}0*)?)?)(Z|[-+]\d\d:\d\d)?)?$/.exec(text);
    const [, date, clock, zone] = parts || [];
    const day = date && new Date(date);
    if (!day || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return ['', NaN]; /* a 30 February */
    return [`a time ${zone ? 'with' : 'without'} an offset from UTC`,
      Date.parse(`${day.toISOString().slice(0, 10)}T${clock || '00:00'}${zone || 'Z'}`)];
  }

  /* Rows of cells, as they stand there; a cell in quotes may hold anything. */
  function readCells(text) {
    const first = text.replace(/"[^"]*"/g, '').split('\n', 1)[0];
    const delimiter = ['\t', ';', ','].find((sign) => first.includes(sign)) || ',';
    const cell = new RegExp(`"([^"]*(?:""[^"]*)*)"|[^"\\n${delimiter}]*`, 'y');
    const rows = [[]];
    for (let at = 0; ; at++) {
      cell.lastIndex = at;
      const [raw, quoted] = cell.exec(text);
      const row = rows[rows.length - 1];
      at += raw.length;
      if (at < text.length && text[at] !== delimiter && text[at] !== '\n') {
        const why = text[at] !== '"' ? 'expected its end after the closing quote' :
          /^[^"]/.test(raw) ? 'a quote inside a cell that is not quoted' : 'the quote that opens it is never closed';
        throw new Error(`Row ${rows.length}, cell ${row.length + 1}: ${why}.`);
      }
      row.push(quoted === undefined ? raw : quoted.replaceAll('""', '"'));
      if (at === text.length) break;
      if (text[at] === '\n') rows.push([]);
    }
    const isEmpty = (row) => row.length === 1 && row[0] === '';
    while (rows.length && isEmpty(rows[rows.length - 1])) rows.pop();
    const gap = rows.findIndex(isEmpty);
    if (gap >= 0 && rows[0].length === 1) throw new Error(`Row ${gap + 1} is empty: expected a value, or NaN.`);
    return rows.filter((row) => !isEmpty(row));
  }

  /* The columns' names, and rows of as many cells. */
  function readRows(text) {
    const [names, ...body] = readCells(text.replace(/^\ufeff/, ''));
    if (!names) throw new Error('The table is empty.');
    if (names.every((name) => !Number.isNaN(number(name)))) {
      throw new Error('The first row holds numbers: expected the names of the columns, such as timestamp,target.');
    }
    names.forEach((name, c) => {
      if (name === '') throw new Error(`Column ${c + 1} has no name.`);
      if (names.indexOf(name) < c) throw new Error(`Several columns are named "${name}".`);
    });
    const wrong = body.findIndex((row) => row.length !== names.length);
    if (wrong >= 0) {
      throw new Error(`Row ${wrong + 2}: expected ${count(names.length, 'cell')}, found ${body[wrong].length}.`);
    }
    if (body.length === 0) throw new Error("The table has no rows below its columns' names.");
    return [names, body];
  }

  /* A column's values: numbers, or words where a covariate has words. What may be a number or a time that is written in
   * another way is neither. */
  function valuesOf(names, body, c, isTarget) {
    const read = body.map((row) => (missing(row[c]) ? null : number(row[c])));
    const odd = body.findIndex((row, i) => read[i] !== null && !Number.isFinite(read[i]) &&
      (isTarget || !Number.isNaN(read[i]) || otherwise.test(bare(row[c]))));
    if (odd >= 0) {
      throw new Error(`Column "${names[c]}", row ${odd + 2}: expected a number with a decimal point${isTarget ? '' : ', or a word'}, ` +
        `found "${body[odd][c]}".`);
    }
    return read.some(Number.isNaN) ? body.map((row) => (spellings.includes(row[c]) ? null : row[c])) : read;
  }

  /* Puts the rows of a series in the order of their time stamps. Returns where these are uneven, or null. */
  function sort(rows, name) {
    rows.sort((a, b) => a.at - b.at);
    const gaps = rows.slice(1).map((row, i) => row.at - rows[i].at);
    const twice = gaps.indexOf(0);
    if (twice >= 0) {
      throw new Error(`Series "${name}" has several rows for ${rows[twice].stamp}: choose the column of ` +
        "the series' names, if there is one.");
    }
    const least = gaps.reduce((a, b) => Math.min(a, b), Infinity);
    const slack = least >= 28 * DAY ? 1.12 : least >= 0.95 * DAY ? 1.09 : 1; /* months and years; days of 23 and 25 hours */
    const wide = gaps.findIndex((gap) => gap > slack * least);
    return wide < 0 ? null : `"${name}" (${rows[wide].stamp} is followed by ${rows[wide + 1].stamp})`;
  }

  /* Series by id: { id, stamps, target, covariates: { name: [numbers or words] } }. chosen: the columns
   * { id, time, target }, -1 for none. `say` takes what there is to say. */
  function readTable([names, body], chosen, say) {
    const { id, time, target } = chosen;
    if (target < 0) throw new Error('Choose the column to forecast.');
    if (id === target || time === target || (id >= 0 && id === time)) throw new Error('One column is chosen twice.');
    const others = names.map((_, c) => c).filter((c) => ![id, time, target].includes(c));
    const values = names.map((_, c) => (c === id || c === time ? [] : valuesOf(names, body, c, c === target)));
    const series = new Map();
    body.forEach((row, i) => {
      const name = id < 0 ? 'series' : row[id];
      const [form, at] = time < 0 ? ['', i] : instant(row[time]);
      if (Number.isNaN(at)) {
        throw new Error(`Column "${names[time]}", row ${i + 2}: expected a whole number of at most 15 digits, or a time as 2024-01-31 ` +
          `or 2024-01-31 12:00:00 to the millisecond, found "${row[time]}".`);
      }
      if (!series.has(name)) series.set(name, []);
      const rows = series.get(name);
      if (rows.length && rows[0].form !== form) {
        throw new Error(`Column "${names[time]}", row ${i + 2}: expected ${rows[0].form}, as in the first row of its series, ` +
          `found "${row[time]}".`);
      }
      rows.push({ i, at, form, stamp: time < 0 ? String(rows.length + 1) : bare(row[time]) });
    });
    if (time < 0) say('No column holds time stamps: the rows of a series count as its steps, as they come.');
    const kind = (c) => `${names[c]} (${values[c].some((v) => typeof v === 'string') ? 'words' : 'numbers'})`;
    say(`Target: ${names[target]}. Covariates: ${others.map(kind).join(', ') || 'none'}.`);
    const uneven = time < 0 ? [] : [...series].map(([name, rows]) => sort(rows, name)).filter(Boolean);
    if (uneven.length) {
      say(`Uneven time stamps: ${uneven.length} of ${series.size} series, the first ${uneven[0]}. ` +
        'Rows count as one step each, and nothing is filled in.');
    }
    return [...series].map(([name, rows]) => {
      const of = (c) => rows.map(({ i }) => values[c][i]);
      return { id: name, stamps: rows.map((row) => row.stamp), target: of(target),
        covariates: Object.fromEntries(others.map((c) => [names[c], of(c)])) };
    });
  }

  /* Offers a table's columns; those of the program's names are chosen, or a time by its first cell. */
  let offered = null;
  function offer([names, [first]]) {
    if (offered !== names.join('\n')) {
      const found = Object.fromEntries(Object.entries(roles).map(([role, name]) => [role, names.indexOf(name)]));
      const isTime = (cell) => /^ *\d{4}-/.test(cell) && !Number.isNaN(instant(cell)[1]);
      if (found.time < 0) found.time = first.findIndex(isTime);
      if (names.length === 1) found.target = 0;
      for (const role of Object.keys(roles)) {
        find(role).replaceChildren(new Option('none', -1), ...names.map((name, c) => new Option(name, c)));
        find(role).value = found[role];
      }
      offered = names.join('\n');
    }
    return Object.fromEntries(Object.keys(roles).map((role) => [role, Number(find(role).value)]));
  }

  /* ---- The server ----------------------------------------------------------------------------- */

  async function ask(path, body) {
    const headers = { 'Content-Type': 'application/json' };
    if (find('key').value) headers.Authorization = `Bearer ${find('key').value}`;
    const reply = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (reply.status === 401) find('key-label').hidden = false;
    const answer = await reply.json();
    if (reply.ok) return answer;
    const text = answer.error ? answer.error.message : `The server answered ${reply.status}.`;
    throw Object.assign(new Error(text), { status: reply.status });
  }

  const pastOf = (one) => ({ item_id: one.id, target: one.target,
    ...(Object.keys(one.covariates).length ? { past_covariates: one.covariates } : {}) });

  /* What forecasts one series for any future of its covariates, a Map, with the least work: a prediction
   * and warnings. */
  async function forecaster(one, horizon, attention) {
    const parameters = { prediction_length: horizon, quantile_levels: levels, attention };
    if (attention !== 'windowed_future_null') {
      return async (future) => {
        const answer = await ask('invocations', { parameters, inputs: [{ ...pastOf(one),
          ...(future.size ? { future_covariates: Object.fromEntries(future) } : {}) }] });
        return [answer.predictions[0], answer.warnings || []];
      };
    }
    const encode = () => ask('v1/contexts', { inputs: [pastOf(one)], parameters: { ...parameters, radius: 8 } });
    let context = await encode();
    return async (future) => {
      const scenario = { scenarios: [{ future_covariates: [Object.fromEntries(future)] }] };
      const forecast = () => ask(`v1/contexts/${context.id}/forecast`, scenario);
      const answer = await forecast().catch(async (error) => {
        if (error.status !== 404) throw error;
        context = await encode(); /* others took its place */
        return forecast();
      });
      const warnings = [...(context.warnings || []), ...(answer.warnings || [])];
      return [answer.scenarios[0].predictions[0], [...new Set(warnings)]];
    };
  }

  /* ---- What is seen --------------------------------------------------------------------------- */

  let results = null;

  function draw(holder, one, horizon, prediction, future) {
    const from = Math.max(0, one.target.length - most);
    const past = one.target.slice(from);
    const stamps = [...one.stamps.slice(from), ...Array.from({ length: horizon }, (_, i) => `+${i + 1}`)];
    const strips = Object.entries(one.covariates).map(([name, values]) =>
      strip(name, [...values.slice(from), ...(future.get(name) || Array(horizon).fill(null))], stamps, past.length));
    forget(holder);
    holder.replaceChildren(fan('', { stamps, past, levels, fans: [{ name: 'median', colour: 'full',
      median: prediction.mean, quantiles: levels.map((level) => prediction[String(level)]) }] }), ...strips);
    drawAll(holder);
  }

  /* A slider for each covariate of numbers; until it is moved, the future is unknown. */
  function sliders(one, horizon, moved) {
    const future = new Map();
    const nodes = Object.entries(one.covariates).flatMap(([name, values]) => {
      const known = values.filter((x) => typeof x === 'number');
      if (known.length === 0 || known.length < values.filter((x) => x !== null).length) return [];
      const [low, high] = known.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
      const slider = el('input', { type: 'range', min: low, max: high, step: 'any', value: known[known.length - 1] });
      const shown = el('output', {}, 'unknown');
      slider.addEventListener('input', () => {
        future.set(name, Array(horizon).fill(Number(slider.value)));
        shown.textContent = significant(Number(slider.value));
        moved(future);
      });
      return [el('label', {}, `Future of ${name} `, slider, shown)];
    });
    return [future, nodes];
  }

  async function show(into, one, horizon, attention) {
    const holder = el('div', {});
    const note = el('p', { class: 'note', role: 'status' });
    const told = el('ul', { class: 'warnings', hidden: '' });
    const forecast = await forecaster(one, horizon, attention);
    let [waiting, busy] = [null, false];
    const follow = async (future) => { /* the newest wish while an answer is under way */
      waiting = future;
      if (busy) return;
      busy = true;
      while (waiting) {
        const wish = new Map(waiting);
        waiting = null;
        const began = performance.now();
        try {
          const [prediction, warnings] = await forecast(wish);
          told.replaceChildren(...warnings.map((text) => el('li', {}, el('b', {}, 'Warning: '), text)));
          told.hidden = warnings.length === 0;
          note.textContent = `${count(one.target.length, 'step')} of history, answered in ${
            Math.round(performance.now() - began)} ms.`;
          draw(holder, one, horizon, prediction, wish);
        } catch (error) {
          note.textContent = error.message;
        }
      }
      busy = false;
    };
    const [future, nodes] = sliders(one, horizon, follow);
    into.append(el('article', {}, el('h3', {}, one.id), el('div', { class: 'ask' }, ...nodes), note, told, holder));
    await follow(future);
  }

  async function run() {
    const status = find('status');
    const horizon = Number(find('horizon').value);
    status.textContent = 'Asking the server …';
    if (results) forget(results);
    if (results) results.remove();
    const into = section('results', 'Forecasts');
    results = into;
    try {
      const lines = [];
      const rows = readRows(find('table').value);
      const all = readTable(rows, offer(rows), (line) => lines.push(line));
      if (all.length > 20) lines.push(`The first 20 of ${all.length} series are forecast.`);
      into.append(el('ul', { class: 'note', id: 'reading' }, ...lines.map((line) => el('li', {}, line))));
      for (const one of all.slice(0, 20)) if (results === into) await show(into, one, horizon, find('attention').value);
      if (results === into) status.textContent = '';
    } catch (error) {
      if (results === into) status.textContent = error.message;
    }
    if (results !== into) return;
    document.documentElement.dataset.forecasts = String(results.querySelectorAll('canvas').length);
  }

  function example() {
    const rows = ['item_id,timestamp,target,price'];
    for (let t = 0; t < 120; t++) {
      const price = 10 + (t % 14 < 3 ? -3 : 0);
      const sold = 50 + 12 * Math.sin((2 * Math.PI * t) / 7) + 0.1 * t + 6 * (10 - price);
      rows.push(`shop,${new Date(Date.UTC(2024, 0, 1 + t)).toISOString().slice(0, 10)},${sold.toFixed(2)},${price}`);
    }
    find('table').value = rows.join('\n');
    run();
  }

  async function take(file) {
    if (!file) return;
    try {
      find('table').value = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    } catch {
      find('status').textContent = `${file.name}: expected text in UTF-8.`;
      return;
    }
    run();
  }

  find('form').addEventListener('submit', (event) => { event.preventDefault(); run(); });
  for (const id of ['attention', ...Object.keys(roles)]) {
    find(id).addEventListener('change', () => { if (results) run(); });
  }
  find('example').addEventListener('click', example);
  find('file').addEventListener('change', (event) => take(event.target.files[0]));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });
  start();
})();
