/* What all pages share: text, tables, charts by Chart.js, fans of forecasts, and lists to browse. Names come from
 * strangers: text goes in by textContent alone. */
'use strict';
const page = (() => {
  const main = document.querySelector('main');
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /* ---- Text --------------------------------------------------------------------------------- */

  const missing = '–';
  const known = (x) => typeof x === 'number' && Number.isFinite(x);
  const fixed = (x, digits) => (known(x) ? x.toFixed(digits).replace(/^-(?=[0.]*$)/, '').replace('-', '−') : missing);
  const toPercent = (x) => (known(x) ? 100 * x : NaN);
  const signed = (x, digits) => (known(x) && Number(x.toFixed(digits)) > 0 ? '+' : '') + fixed(x, digits);
  const percent = (x, digits = 1) => (known(x) ? `${fixed(100 * x, digits)}%` : missing);
  const significant = (x, digits = 4) =>
    (known(x) ? String(Number(x.toPrecision(digits))).replace('-', '−') : missing);

  /* Digits by which numbers between these two can be told apart, as c2_digits_apart has it. */
  function digitsApart(low, high, least = 4) {
    const digits = 3 + Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low)));
    return known(low) && high > low && digits > least ? Math.min(digits, 17) : least;
  }

  function extentDigits(values, least) {
    let [low, high] = [Infinity, -Infinity];
    for (const x of values) if (known(x)) [low, high] = [Math.min(low, x), Math.max(high, x)];
    return digitsApart(low, high, least);
  }

  /* As many decimals for a whole column as its least number needs for two digits, from 3 to 6: they line up. */
  function decimals(column) {
    const least = Math.min(1, ...column.filter((x) => known(x) && x !== 0).map(Math.abs));
    return Math.min(6, Math.max(3, 1 - Math.floor(Math.log10(least))));
  }

  const count = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

  /* A name that may break after its punctuation. */
  const breakable = (name) => name.split(/(?<=[_/.-])/).flatMap((part, i) => (i ? [el('wbr'), part] : [part]));

  function el(name, attributes, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  function section(id, title, ...children) {
    const node = el('section', { id }, el('h2', {}, title), ...children);
    main.append(node);
    return node;
  }

  function table(kind, heads, rows, groups) {
    const row = (cells) => el('tr', {}, ...cells.map((cell, i) =>
      (cell instanceof HTMLTableCellElement ? cell :
        i === 0 ? el('th', { scope: 'row' }, ...breakable(cell)) : el('td', {}, cell))));
    const head = [el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)))];
    if (groups) {
      head.unshift(el('tr', {}, ...groups.map(([text, span]) =>
        el('th', { scope: 'colgroup', colspan: span, class: 'group' }, text))));
    }
    return el('div', { class: 'scroll', tabindex: '0' },
      el('table', { class: kind }, el('thead', {}, ...head), el('tbody', {}, ...rows.map(row))));
  }

  /* ---- Charts -------------------------------------------------------------------------------- */

  const drawn = []; /* [chart, how to make its configuration] */

  /* Where a value lies, at most the chart's edge. */
  const at = (chart, value) =>
    Math.min(Math.max(chart.scales.y.getPixelForValue(value), chart.chartArea.top), chart.chartArea.bottom);

  /* Beside what Chart.js draws: a band and a level behind the data, intervals and the points in them. */
  const marks = {
    id: 'marks',
    beforeDatasetsDraw(chart, _, options) {
      const { ctx, chartArea: area } = chart;
      ctx.save();
      if (options.band) {
        const [low, high] = options.band.map((v) => at(chart, v));
        ctx.globalAlpha = 0.2;
        ctx.fillStyle = style('other');
        ctx.fillRect(area.left, high, area.right - area.left, low - high);
      }
      if (known(options.level)) {
        ctx.globalAlpha = 1;
        ctx.fillStyle = style('faint');
        ctx.fillRect(area.left, at(chart, options.level) - 0.5, area.right - area.left, 1);
      }
      if (known(options.edge)) {
        ctx.globalAlpha = 1;
        ctx.fillStyle = style('faint');
        ctx.fillRect(chart.scales.x.getPixelForValue(options.edge) - 0.5, area.top, 1, area.bottom - area.top);
      }
      ctx.restore();
    },
    afterDatasetsDraw(chart) {
      const { ctx, scales: { y } } = chart;
      chart.data.datasets.forEach((set, index) => {
        if (!chart.isDatasetVisible(index)) return;
        ctx.save();
        ctx.fillStyle = set.backgroundColor;
        chart.getDatasetMeta(index).data.forEach((element, i) => {
          if (set.middle && known(set.middle[i])) {
            ctx.beginPath();
            ctx.arc(element.x, y.getPixelForValue(set.middle[i]), 4.5, 0, 2 * Math.PI);
            ctx.fill();
          }
          if (set.whiskers && set.whiskers[i].every(known)) {
            const [low, high] = set.whiskers[i].map((v) => at(chart, v));
            ctx.fillRect(element.x - 1, high, 2, low - high);
          }
        });
        ctx.restore();
      });
    },
  };

  function axis(title, more) {
    return {
      title: { display: true, text: title, color: style('faint') },
      ticks: { color: style('faint'), ...(more || {}).ticks },
      grid: { color: style('rule'), borderColor: style('rule') },
      ...Object.fromEntries(Object.entries(more || {}).filter(([key]) => key !== 'ticks')),
    };
  }

  function configure(type, content) {
    return {
      type,
      data: { labels: content.labels, datasets: content.datasets },
      plugins: [marks],
      options: {
        animation: false,
        maintainAspectRatio: false,
        devicePixelRatio: Math.max(2, window.devicePixelRatio || 1),
        indexAxis: content.indexAxis || 'x',
        interaction: content.interaction || { mode: 'index', intersect: false },
        scales: content.scales,
        plugins: {
          legend: {
            display: content.legend !== false,
            position: 'bottom',
            labels: { color: style('ink'), usePointStyle: true, boxWidth: 16, boxHeight: 7,
              filter: (item, all) => !all.datasets[item.datasetIndex].unnamed },
          },
          tooltip: { filter: (item) => !item.dataset.unnamed, callbacks: content.callbacks || {} },
          marks: { band: content.band || null, level: content.level, edge: content.edge },
        },
      },
    };
  }

  /* A chart and its caption. `make` gives the content anew, since colours follow the theme. `label`: what is read out
   * before the caption. */
  function figure(type, caption, make, height, label) {
    const canvas = el('canvas', { role: 'img', 'aria-label': [label, caption].filter(Boolean).join(', ') });
    const box = el('div', { class: 'chart' }, canvas);
    if (height) box.style.height = height;
    const node = el('figure', {}, caption ? el('figcaption', {}, caption) : null, box);
    node.draw = () => {
      const chart = new Chart(canvas, configure(type, make()));
      drawn.push([chart, type, make]);
    };
    return node;
  }

  function redraw() {
    for (const [chart, type, make] of drawn) {
      const { data: content, options } = configure(type, make());
      chart.data = content;
      chart.options = options;
      chart.update('none');
    }
  }

  const line = (label, colour, values, more) => ({
    label, data: values, borderColor: style(colour), backgroundColor: style(colour), borderWidth: 2, pointRadius: 3,
    tension: 0, ...more,
  });

  /* The extent of numbers and of a level that must be seen, with a margin. */
  function extent(level, values) {
    const all = values.flat(Infinity).filter(known);
    const [low, high] = [Math.min(level, ...all), Math.max(level, ...all)];
    const room = 0.08 * (high - low || 1);
    return { suggestedMin: low - room, suggestedMax: high + room };
  }

  /* ---- Series and their forecasts ------------------------------------------------------------- */

  /* Bands of quantiles by what they cover: [share, index of the lower level, index of the upper one], the widest first. */
  function bandsOf(levels) {
    const pairs = levels.map((low, i) => [1 - 2 * low, i, levels.findIndex((high) => Math.abs(low + high - 1) < 1e-9)]);
    return pairs.filter(([share, , high]) => share > 1e-9 && high >= 0).sort((a, b) => b[0] - a[0]);
  }

  const shareText = (share) => `${Number((100 * share).toFixed(2))}%`;

  /* Least and greatest number of a series, its forecasts and all else that is drawn, as an axis takes them. */
  function limits(...values) {
    let [low, high] = [Infinity, -Infinity];
    for (const x of values.flat(3)) if (known(x)) [low, high] = [Math.min(low, x), Math.max(high, x)];
    return low <= high ? { suggestedMin: low, suggestedMax: high } : {};
  }

  /* An axis of steps: `stamps` names each; full minutes go without their seconds. `room` is right of the last one. */
  const steps = (stamps, room = 0) => axis('', {
    type: 'linear', min: 0, max: Math.max(1, stamps.length - 1 + room), title: { display: false },
    ticks: { maxTicksLimit: (stamps[0] || '').length > 10 ? 3 : 5, maxRotation: 0, includeBounds: false, precision: 0,
      callback: (i) => (Number.isInteger(i) && stamps[i] ? stamps[i].replace(/(\d\d:\d\d):00(?!\.)/, '$1') : '') },
    grid: { display: false },
  });

  /* An axis of numbers, with as many digits as tell the marks apart. */
  const numbers = (most, more = {}) => axis('', { title: { display: false }, ...more, ticks: { maxTicksLimit: most,
    callback: (y, _, all) => significant(y, digitsApart(all[0].value, all[all.length - 1].value)) } });

  const points = (values, from = 0) => values.map((y, i) => ({ x: from + i, y }));

  /* A number between two missing ones, of which a line shows nothing. */
  const isAlone = (values, i) => known(values[i]) && !known(values[i - 1]) && !known(values[i + 1]);

  /* Such a step would be a band without a width: it reaches half a step to both sides. */
  const spread = (values, from) => values.flatMap((y, i) =>
    (isAlone(values, i) ? [-0.5, 0.5] : [0]).map((aside) => ({ x: from + i + aside, y })));

  /* A line of observations, and dots. */
  function observations(label, colour, values, more) {
    const alone = points(values).filter(({ x }) => isAlone(values, x));
    return [line(label, colour, points(values), { borderWidth: 1.25, pointRadius: 0, pointStyle: 'line', ...more }),
      ...(alone.length ? [line(label, colour, alone, { showLine: false, pointRadius: 2, unnamed: true })] : [])];
  }

  /* History and fans of quantiles.
   *   stamps    names of all steps
   *   past      [history] observed numbers, null where one is missing
   *   truth     what was observed in the steps of the fans; may be absent
   *   levels    quantile levels, rising
   *   fans      [{ name, colour, from, median: [steps], quantiles: [levels][steps] }]: from is the first step of a fan,
   *             the end of the history where it is absent. `overlay`: the first band alone; `unnamed`: not in the legend
   *   edge      null: no upright line at the end of the history
   *   marked    [{ x, y }] points to stand out, called `markedName`; may be absent
   *   label     what is read out before the caption; may be absent
   *   limits    what limits() gives for several charts that are to be compared; may be absent */
  function fan(caption, series, height) {
    const { stamps, past, levels, fans } = series;
    const bands = bandsOf(levels);
    const lone = [...levels.keys()].filter((i) => Math.abs(levels[i] - 0.5) > 1e-9 &&
      !bands.some(([, low, high]) => i === low || i === high));
    const digits = fans.reduce((least, f) => f.median.reduce((most, _, step) =>
      extentDigits(f.quantiles.map((values) => values[step]), most), least), extentDigits(past));
    const make = () => ({
      datasets: [
        ...fans.flatMap((f) => {
          const from = f.from === undefined ? past.length : f.from;
          const own = { pointRadius: f.median.map((_, i) => (isAlone(f.median, i) ? 4 : 0)), pointStyle: 'line',
            unnamed: f.unnamed };
          const edge = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, unnamed: true };
          return bands.slice(0, f.overlay ? 1 : bands.length).flatMap(([, low, high]) => [
            line(f.name, f.colour, spread(f.quantiles[low], from), edge),
            line(f.name, f.colour, spread(f.quantiles[high], from), { ...edge, fill: '-1',
              backgroundColor: `${style(f.colour)}${f.overlay ? '26' : '30'}` }),
          ]).concat(f.overlay ? [] : lone.map((i) => line(`quantile ${levels[i]}`, f.colour,
            points(f.quantiles[i], from), { ...own, borderWidth: 1, borderDash: [4, 3] })),
          [line(f.name, f.colour, points(f.median, from), own)]);
        }),
        ...observations('observed', 'ink', [...past, ...(series.truth || [])]),
        ...(series.marked && series.marked.length ? [line(series.markedName, 'warn', series.marked,
          { showLine: false, pointRadius: 4, pointStyle: 'circle' })] : []),
      ],
      scales: { x: steps(stamps, fans.some((f) => f.median.length === 1) ? 0.5 : 0), y: numbers(6, series.limits) },
      interaction: { mode: 'x', intersect: false },
      edge: series.edge === null || !past.length ? undefined : past.length - 1,
      callbacks: { title: ([item]) => (item ? stamps[item.parsed.x] : ''),
        label: (item) => `${item.dataset.label}: ${significant(item.parsed.y, digits)}` },
    });
    return figure('line', caption, make, height, series.label || 'history and forecast');
  }

  /* A covariate over the same steps: numbers as a line, words as steps between them. `values` [steps], null: missing. */
  function strip(name, values, stamps, past) {
    const words = [...new Set(values.filter((v) => typeof v === 'string'))];
    const shown = words.length ? values.map((v) => (v === null ? null : words.indexOf(String(v)))) : values;
    const digits = extentDigits(words.length ? [] : values);
    const make = () => ({
      datasets: observations(name, 'other', shown, { stepped: words.length > 0 }),
      scales: { x: steps(stamps), y: words.length ? axis('', { title: { display: false },
        ticks: { stepSize: 1, callback: (i) => (words[i] || '').slice(0, 16) } }) : numbers(4) },
      legend: false,
      edge: past ? past - 1 : undefined,
      callbacks: { title: ([item]) => (item ? stamps[item.parsed.x] : ''),
        label: (item) => `${name}: ${words.length ? words[item.parsed.y] : significant(item.parsed.y, digits)}` },
    });
    return figure('line', name, make, '7rem');
  }

  /* ---- Many of them --------------------------------------------------------------------------- */

  function drawAll(node) {
    for (const one of node.querySelectorAll('figure')) if (one.draw) one.draw();
  }

  function forget(node) {
    for (let i = drawn.length - 1; i >= 0; i--) {
      if (!node.contains(drawn[i][0].canvas)) continue;
      drawn[i][0].destroy();
      drawn.splice(i, 1);
    }
  }

  /* A part of a list at a time, which a search narrows: `nameOf` gives what is searched, `show` a node. */
  function browse(items, perPage, what, nameOf, show) {
    const box = el('input', { type: 'search', placeholder: `search ${what}`, 'aria-label': `search ${what}` });
    const where = el('span', { class: 'where', role: 'status' });
    const [back, on] = [['‹', 'previous page'], ['›', 'next page']].map(([text, label]) =>
      el('button', { type: 'button', 'aria-label': label }, text));
    const holder = el('div', {});
    let [found, first] = [items, 0];
    const turn = (to) => {
      first = Math.min(Math.max(0, to), Math.max(0, Math.floor((found.length - 1) / perPage) * perPage));
      const here = found.slice(first, first + perPage);
      forget(holder);
      holder.replaceChildren(...here.map(show));
      where.textContent = found.length ? `${first + 1}–${first + here.length} of ${found.length}` : 'none found';
      back.disabled = first === 0;
      on.disabled = first + perPage >= found.length;
      drawAll(holder);
    };
    back.addEventListener('click', () => turn(first - perPage));
    on.addEventListener('click', () => turn(first + perPage));
    box.addEventListener('input', () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = items.filter((item) => words.every((word) => nameOf(item).toLowerCase().includes(word)));
      turn(0);
    });
    const bar = el('p', { class: 'browse' }, box, back, where, on);
    bar.hidden = items.length < 2;
    const node = el('div', {}, bar, holder);
    node.start = () => turn(0);
    return node;
  }

  function facts(object) {
    return table('facts', [], Object.entries(object).map(([key, value]) => [key,
      value === null ? missing : Array.isArray(value) ? value.join(', ') : String(value)]));
  }

  /* ---- The page ---------------------------------------------------------------------------------- */

  /* Draws what the page holds; charts follow the theme, and fit paper. */
  function start(warnings = []) {
    if (warnings.length) {
      document.getElementById('verdict').append(el('ul', { class: 'warnings' },
        ...warnings.map((text) => el('li', {}, el('b', {}, 'Warning: '), text))));
    }
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawAll(document);
    for (const node of document.querySelectorAll('div')) if (node.start) node.start();
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    window.addEventListener('beforeprint', () => {
      document.documentElement.classList.add('printing');
      redraw();
      for (const [chart] of drawn) {
        const height = chart.options.indexAxis === 'y' ? chart.height : Math.min(chart.height, 240);
        chart.resize(chart.canvas.closest('.grid') ? 330 : 660, height);
      }
    });
    window.addEventListener('afterprint', () => {
      document.documentElement.classList.remove('printing');
      redraw();
      for (const [chart] of drawn) chart.resize();
    });
    document.documentElement.dataset.ready = 'yes';
  }

  return {
    missing, known, fixed, toPercent, signed, percent, significant, digitsApart, decimals, count, breakable, el, section,
    table, style, drawn, figure, redraw, line, isAlone, axis, extent, fan, strip, limits, bandsOf, shareText, browse,
    facts, start, forget, drawAll,
  };
})();
