/* The server's page: a table becomes series, the server forecasts them, and sliders set the future of covariates.
 * Under sparse attention the pasts are encoded once, and a slider's move asks for the future alone. */
'use strict';
(() => {
  const { el, section, fan, strip, forget, drawAll, count, significant, start } = page;
  const find = (id) => document.getElementById(id);
  const levels = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
  const most = 2000; /* steps of history that are drawn */
  const ids = ['item_id', 'id', 'unique_id', 'series'];
  const times = ['timestamp', 'time', 'date', 'datetime', 'ds', 'month', 'year'];
  const targets = ['target', 'y', 'value'];

  /* ---- The table ------------------------------------------------------------------------------ */

  const number = (text) => (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN);
  const missing = (text) => text === '' || /^(na|nan|null|none)$/i.test(text);

  /* Rows of cells; a cell in quotes may hold anything. */
  function readCells(text) {
    const first = text.split('\n', 1)[0];
    const delimiter = ['\t', ';', ','].find((sign) => first.includes(sign)) || ',';
    const rows = [[]];
    let [cell, quoted] = ['', false];
    const end = () => { rows[rows.length - 1].push(cell.trim()); cell = ''; };
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (quoted) {
        if (c !== '"') cell += c;
        else if (text[i + 1] === '"') { cell += c; i++; } else quoted = false;
      } else if (c === '"' && cell === '') quoted = true;
      else if (c === delimiter) end();
      else if (c === '\n') { end(); rows.push([]); } else if (c !== '\r') cell += c;
    }
    end();
    return rows.filter((row) => row.some((one) => one !== ''));
  }

  /* Series by id: { id, stamps, target, covariates: { name: [numbers or words] } }. */
  function readTable(text) {
    const rows = readCells(text);
    if (rows.length === 0) throw new Error('The table is empty.');
    const headed = rows[0].some((cell) => cell !== '' && !missing(cell) && Number.isNaN(number(cell)));
    const names = headed ? rows[0] : rows[0].map((_, i) => (i === rows[0].length - 1 ? 'target' : `column ${i + 1}`));
    const body = headed ? rows.slice(1) : rows;
    const wrong = body.findIndex((row) => row.length !== names.length);
    if (wrong >= 0) {
      throw new Error(`Row ${wrong + 1 + headed}: expected ${count(names.length, 'cell')}, found ${body[wrong].length}.`);
    }
    const named = (list) => names.findIndex((name) => list.includes(name.toLowerCase()));
    const numeric = (c) => body.every((row) => missing(row[c]) || !Number.isNaN(number(row[c])));
    const [id, time] = [named(ids), named(times)];
    let target = named(targets);
    for (let c = names.length - 1; target < 0 && c >= 0; c--) if (c !== id && c !== time && numeric(c)) target = c;
    if (target < 0) throw new Error('Expected a column of numbers.');
    if (!numeric(target)) throw new Error(`Column "${names[target]}": expected numbers.`);
    const others = names.map((_, c) => c).filter((c) => ![id, time, target].includes(c));
    const series = new Map();
    for (const row of body) {
      const name = id < 0 ? 'series' : row[id];
      if (!series.has(name)) series.set(name, { id: name, rows: [] });
      series.get(name).rows.push(row);
    }
    const values = (one, c) => one.rows.map((row) => (missing(row[c]) ? null : numeric(c) ? number(row[c]) : row[c]));
    return [...series.values()].map((one) => ({
      id: one.id,
      stamps: one.rows.map((row, i) => (time < 0 ? String(i + 1) : row[time])),
      target: values(one, target),
      covariates: Object.fromEntries(others.map((c) => [names[c], values(one, c)])),
    }));
  }

  /* ---- The server ----------------------------------------------------------------------------- */

  async function ask(path, body) {
    const headers = { 'Content-Type': 'application/json' };
    if (find('key').value) headers.Authorization = `Bearer ${find('key').value}`;
    const reply = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (reply.status === 401) find('key-label').hidden = false;
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.error ? answer.error.message : `The server answered ${reply.status}.`);
    return answer;
  }

  const pastOf = (one) => ({ target: one.target,
    ...(Object.keys(one.covariates).length ? { past_covariates: one.covariates } : {}) });

  /* What forecasts one series for any future of its covariates, with the least work. */
  async function forecaster(one, horizon, attention) {
    const parameters = { prediction_length: horizon, quantile_levels: levels, attention };
    if (attention !== 'windowed_future_null') {
      return async (future) => (await ask('invocations', { parameters, inputs: [{ ...pastOf(one),
        ...(Object.keys(future).length ? { future_covariates: future } : {}) }] })).predictions[0];
    }
    const context = await ask('v1/contexts', { inputs: [pastOf(one)], parameters: { ...parameters, radius: 8 } });
    return async (future) => (await ask(`v1/contexts/${context.id}/forecast`,
      { scenarios: [{ future_covariates: [future] }] })).scenarios[0].predictions[0];
  }

  /* ---- What is seen --------------------------------------------------------------------------- */

  let results = null;

  function draw(holder, one, horizon, prediction, future) {
    const from = Math.max(0, one.target.length - most);
    const past = one.target.slice(from);
    const stamps = [...one.stamps.slice(from), ...Array.from({ length: horizon }, (_, i) => `+${i + 1}`)];
    const strips = Object.entries(one.covariates).map(([name, values]) =>
      strip(name, [...values.slice(from), ...(future[name] || Array(horizon).fill(null))], stamps, past.length));
    forget(holder);
    holder.replaceChildren(fan('', { stamps, past, levels, fans: [{ name: 'median', colour: 'full',
      median: prediction.mean, quantiles: levels.map((level) => prediction[String(level)]) }] }), ...strips);
    drawAll(holder);
  }

  /* A slider for each covariate of numbers; until it is moved, the future is unknown. */
  function sliders(one, horizon, moved) {
    const future = {};
    const nodes = Object.entries(one.covariates).flatMap(([name, values]) => {
      const known = values.filter((x) => typeof x === 'number');
      if (known.length === 0 || known.length < values.filter((x) => x !== null).length) return [];
      const [low, high] = known.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
      const slider = el('input', { type: 'range', min: low, max: high, step: 'any', value: known[known.length - 1] });
      const shown = el('output', {}, 'unknown');
      slider.addEventListener('input', () => {
        future[name] = Array(horizon).fill(Number(slider.value));
        shown.textContent = significant(Number(slider.value));
        moved(future);
      });
      return [el('label', {}, `Future of ${name} `, slider, shown)];
    });
    return [future, nodes];
  }

  async function show(one, horizon, attention) {
    const holder = el('div', {});
    const note = el('p', { class: 'note', role: 'status' });
    const forecast = await forecaster(one, horizon, attention);
    let [waiting, busy] = [null, false];
    const follow = async (future) => { /* the newest wish while an answer is under way */
      waiting = future;
      if (busy) return;
      busy = true;
      try {
        while (waiting) {
          const wish = { ...waiting };
          waiting = null;
          const began = performance.now();
          const prediction = await forecast(wish);
          note.textContent = `${count(one.target.length, 'step')} of history, answered in ${
            Math.round(performance.now() - began)} ms.`;
          draw(holder, one, horizon, prediction, wish);
        }
      } catch (error) {
        note.textContent = error.message;
      } finally {
        busy = false;
      }
    };
    const [future, nodes] = sliders(one, horizon, follow);
    results.append(el('article', {}, el('h3', {}, one.id), el('div', { class: 'ask' }, ...nodes), note, holder));
    await follow(future);
  }

  async function run() {
    const status = find('status');
    const horizon = Number(find('horizon').value);
    status.textContent = 'Asking the server …';
    if (results) forget(results);
    if (results) results.remove();
    results = section('results', 'Forecasts');
    try {
      const all = readTable(find('table').value);
      for (const one of all.slice(0, 20)) await show(one, horizon, find('attention').value);
      status.textContent = all.length > 20 ? `The first 20 of ${count(all.length, 'series')}.` : '';
    } catch (error) {
      status.textContent = error.message;
    }
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
    find('table').value = await file.text();
    run();
  }

  find('form').addEventListener('submit', (event) => { event.preventDefault(); run(); });
  find('attention').addEventListener('change', () => { if (results) run(); });
  find('example').addEventListener('click', example);
  find('file').addEventListener('change', (event) => take(event.target.files[0]));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => { event.preventDefault(); take(event.dataTransfer.files[0]); });
  start();
})();
