/* Draws the study's page from its data. */
'use strict';
(() => {
  const { missing, known, fixed, toPercent, signed, percent, significant, decimals, count, el, section, table,
    style, figure, fan, redraw, line, axis, extent, facts, start } = page;
  const data = JSON.parse(document.getElementById('data').textContent);
  const [lead, ...further] = data.metrics;
  const change = (x) => (known(x) ? `${signed(x, 2)}%` : missing);
  const radiusText = (r) => (r === 'inf' ? '∞' : String(r));

  /* A list of radii to choose from, at first the verdict's. */
  function choice(text, radii, chosen) {
    const select = el('select', {}, ...radii.map((r) => el('option', { value: r }, radiusText(r))));
    select.selectedIndex = Math.max(0, radii.indexOf(data.radius));
    select.addEventListener('change', () => chosen(radii[select.selectedIndex]));
    return el('label', { class: 'choice' }, `${text} `, select);
  }

  /* ---- Data ----------------------------------------------------------------------------------- */

  /* Rows of tables have the columns of the study's CSV files. Each arm has its row of __equivalence.csv by metric. */
  const arms = [];
  for (const row of data.equivalence) {
    if (!arms.length || arms[arms.length - 1].name !== row.arm) {
      arms.push({ name: row.arm, pattern: row.attention.split('_').pop(), radius: row.radius,
        trainedSparse: row.arm.startsWith('sparse_'), blindHeads: row.blind_heads.split(' ').filter(Boolean).length });
    }
    arms[arms.length - 1][row.metric] = row;
  }

  /* Each task has its row of __baselines.csv, those of __perf_compare_all_radii.csv, and what the probe found. */
  const tasks = data.baselines.map((naive, i) => ({ name: naive.task_name, naive, ...data.probed[i],
    sparse: data.perf_compare_all_radii.filter((row) => row.task_name === naive.task_name) }));

  /* Means with their intervals: a thin bar from end to end, and the mean as a point in it. */
  const ranges = (label, colour, rows, of) => ({
    label, backgroundColor: style(colour), maxBarThickness: 3, minBarLength: 1, categoryPercentage: 0.5,
    data: rows.map(of).map((x) => (known(x.low_90_percent) && known(x.high_90_percent) ?
      [x.low_90_percent, x.high_90_percent] : known(x.change_percent) ? [x.change_percent, x.change_percent] : null)),
    middle: rows.map((r) => of(r).change_percent),
  });

  /* ---- Kept mass ------------------------------------------------------------------------------ */

  function massSection() {
    const rows = data.mass_summary;
    const share = (name) => rows.map((r) => toPercent(r[`${name}_mean_ctxQ_all`]));
    const make = () => ({
      labels: rows.map((r) => radiusText(r.radius)),
      datasets: [
        line('kept mass', 'full', share('kept_mass')),
        line('best keys', 'other', share('best_mass'), { borderDash: [2, 3], pointRadius: 2 }),
        line('kept edges', 'sparse', share('kept_edges'), { showLine: false, pointStyle: 'triangle',
          pointRadius: 5 }),
        line('kept by uniform attention', 'naive', share('uniform_mass'), { borderDash: [6, 4],
          pointRadius: 0, pointStyle: 'line' }),
      ].filter((set) => set.data.some(known)),
      scales: { x: axis('radius (tokens)', { offset: rows.length === 1 }), y: axis('share (%)', { min: 0, max: 100 }) },
      callbacks: { title: ([item]) => `radius ${item.label}`,
        label: (item) => `${item.dataset.label}: ${fixed(item.parsed.y, 1)}%` },
    });
    section('mass', 'How much attention a window keeps', figure('line',
      'Share of the weight of dense attention that falls inside the window, by radius, mean of probed windows. The further ' +
      'above the line of uniform attention, the more attention looks nearby; on it, the model looks at nothing in ' +
      'particular. Best keys: what as many keys could hold if each query chose its own.', make));
  }

  /* A row a layer of what a function finds for each head. */
  const byLayer = (of) => data.sinks.reduce((rows, s, i) => {
    (rows[s.layer] = rows[s.layer] || []).push(of(s, i));
    return rows;
  }, []);

  /* The weight that head by head falls inside the window, as a table whose cells are shaded by their numbers. */
  function heatTable(layers) {
    const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length; /* of none NaN */
    const cell = (x) => {
      const node = el('td', x > 0.75 ? { class: 'strong' } : {}, fixed(toPercent(x), 0));
      node.style.setProperty('--share', known(x) ? x : 0);
      return node;
    };
    const plain = (x) => el('td', { class: 'mean' }, fixed(toPercent(x), 0));
    const heads = layers[0].map((_, head) => String(head));
    return table('heat', ['layer', ...heads, 'mean'], layers.map((row, layer) =>
      [String(layer), ...row.map(cell), plain(mean(row.filter(known)))]), [['', 1], ['head', heads.length], ['', 1]]);
  }

  function headsSection() {
    if (!data.heads.length) return;
    const radii = data.mass_summary.map((m) => m.radius);
    const holder = el('div', {});
    const show = (radius) => holder.replaceChildren(el('figure', {}, el('figcaption', {},
      `Kept mass in % at radius ${radiusText(radius)}, by layer and head, both counted from 0 as in the CSV files; mean of ` +
      'probed windows, as in the curve above. The attention of strongly coloured heads lies nearby, that of pale ones far ' +
      'away. Even a small share that is lost may matter.'),
    heatTable(byLayer((_, i) => data.heads[i * radii.length + radii.indexOf(radius)]))));
    show(radii.includes(data.radius) ? data.radius : radii[0]);
    section('heads', 'Which heads attend nearby', choice('Radius', radii, show), holder);
  }

  /* What full attention loses where the heads of --ablate don't let the context see the future, or all others don't. */
  function ablated() {
    const chosen = arms.filter((arm) => arm.name.startsWith('ablated'));
    const heads = (arm) => `${arm.name === 'ablated' ? 'the chosen' : 'the other'} ${count(arm.blindHeads, 'head')}`;
    return chosen.length ? [table('sinks', ['full attention, the future hidden from',
      ...data.metrics.map((metric) => `${metric} (90% interval)`)],
    chosen.map((arm) => [heads(arm), ...data.metrics.map((metric) => between(arm[metric]))]))] : [];
  }

  /* One head with and without a sight of the future: where a context token's attention goes, as the width of lines. */
  function sinkPicture(sink) {
    const [boxes, ahead, size, gap] = [7, 3, 26, 12];
    const node = (name, attributes, ...children) => {
      const one = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
      one.append(...children);
      return one;
    };
    const from = 3; /* the token that asks */
    const middle = (i) => 8 + i * (size + gap) + size / 2 + (i >= boxes ? 14 : 0);
    const half = (title, seen, x) => {
      const shares = Array.from({ length: boxes + ahead }, (_, i) => (i < boxes ? (1 - seen) / boxes : seen / ahead));
      const lines = shares.map((share, i) => (share < 0.004 ? '' : node('path', { class: i < boxes ? 'past' : 'future',
        d: `M${middle(from)} 92 Q${(middle(from) + middle(i)) / 2} ${118 + 9 * Math.abs(i - from)} ${middle(i)} 92`,
        'stroke-width': Math.max(0.6, 26 * share).toFixed(1) })));
      const tokens = shares.map((_, i) => node('rect', { class: i === from ? 'asks' : i < boxes ? 'past' : 'future',
        x: middle(i) - size / 2, y: 66, width: size, height: size, rx: 3 }));
      return node('g', { transform: `translate(${x} 0)` },
        node('text', { x: 8, y: 18, class: 'title' }, title),
        node('text', { x: 8, y: 36 }, `${fixed(100 * seen, 0)}% of its attention on the future, ${
          fixed(100 * (1 - seen), 0)}% on the past`),
        ...lines.filter(Boolean), ...tokens,
        node('text', { x: middle(0) - size / 2, y: 58 }, 'context'),
        node('text', { x: middle(boxes) - size / 2, y: 58 }, 'future'));
    };
    const name = `layer ${sink.layer}, head ${sink.head}`;
    return el('figure', { class: 'sink' }, el('figcaption', {}, `The head that rests most on the future (${name}), and a ` +
      'context token that asks. Left: nearly all of its attention goes where it does no harm. Right: the future is hidden, ' +
      'and the same attention is poured over the tokens of the past, drawn here as spread evenly.'),
    el('div', { class: 'pair' }, ...[['as trained', sink.future_mass], ['the future hidden', 0]].map(([title, seen]) =>
      node('svg', { viewBox: '0 0 420 132', role: 'img', 'aria-label': `${name}, ${title}` }, half(title, seen, 0)))));
  }

  /* Where a head's context queries rest their attention, and what hiding the future from that head costs. */
  function sinksSection() {
    if (!data.sinks.length) return;
    const views = [['future tokens', (s) => s.future_mass], ['REG', (s) => s.reg_mass],
      ['the first token', (s) => s.first_mass]];
    const loss = (s) => (arms.find((arm) => arm.name === `blind_${s.layer}:${s.head}`) || {})[lead] || {};
    const tried = data.sinks.filter((s) => known(loss(s).change_percent))
      .sort((a, b) => loss(b).change_percent - loss(a).change_percent).slice(0, 5);
    const resting = [...data.sinks].sort((a, b) => b.future_mass - a.future_mass);
    const rows = tried.length ? tried : resting.slice(0, 5);
    section('sinks', 'Which heads rest on the future', el('figure', {}, el('figcaption', {},
      'Attention of context queries on future tokens in %, by layer and head, mean of tasks, each of which counts once, as ' +
      'in __sinks.csv. A head has to put its ' +
      'attention somewhere, even where it has nothing to add. One that puts nearly all of it on future tokens uses them ' +
      'as a sink. With the future hidden, its attention falls on context tokens, which it was not trained to mix: what ' +
      'is lost is the sink, not knowledge about the future.'),
    heatTable(byLayer(views[0][1]))),
    known(resting[0].future_mass) ? sinkPicture(resting[0]) : null,
    table('sinks', ['head', ...views.map(([name]) => `on ${name}`),
      ...(tried.length ? [`${lead}, the future hidden from it alone (90% interval)`] : [])],
    rows.map((s) => [`layer ${s.layer}, head ${s.head}`, ...views.map(([, of]) => percent(of(s))),
      ...(tried.length ? [between(loss(s))] : [])])), ...ablated());
  }

  /* ---- Accuracy ------------------------------------------------------------------------------- */

  const armsOf = (pattern, trainedSparse) =>
    arms.filter((arm) => arm.pattern === pattern && arm.trainedSparse === trainedSparse && !arm.blindHeads);
  const between = (x) => el('td', {}, change(x.change_percent), known(x.low_90_percent) ?
    el('span', { class: 'interval' }, `${change(x.low_90_percent)} to ${change(x.high_90_percent)}`) : null);

  /* Changes differ by factors of a hundred, and the margin must be seen among them: near zero the axis is even, further
   * out each step is a factor. */
  const unit = Math.max(100 * data.margin, 0.1);
  const bend = (x) => (known(x) ? Math.asinh(x / unit) : x);
  const bentTicks = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].flatMap((x) => (x ? [x * unit, -x * unit] : [0]))
    .filter((x) => x > -100).sort((a, b) => a - b);

  /* Changes against full attention by radius: datasets of `ranges`. */
  function changes(labels, sets) {
    const band = [100 * (1 / (1 + data.margin) - 1), 100 * data.margin].map(bend);
    const datasets = sets.map((set) => ({ ...set, percent: set, middle: set.middle.map(bend),
      data: set.data.map((range) => range && range.map(bend)) }));
    const range = extent(0, [band, ...datasets.map((set) => [set.data, set.middle])]);
    const shown = bentTicks.filter((x) => bend(x) >= range.suggestedMin && bend(x) <= range.suggestedMax);
    return {
      labels,
      datasets: datasets.filter((set) => set.middle.some(known)),
      scales: { x: axis('radius (tokens)', { grid: { display: false } }),
        y: axis('change (%)', { min: range.suggestedMin, max: range.suggestedMax,
          afterBuildTicks: (scale) => { scale.ticks = shown.map((x) => ({ value: bend(x) })); },
          ticks: { callback: (_, i) => (shown[i] === undefined ? '' : `${signed(shown[i], 1).replace(/\.0$/, '')}`),
            autoSkip: true } }) },
      band,
      level: 0,
      callbacks: { title: ([item]) => (item.label === 'full' ? 'full attention' : `radius ${item.label}`),
        label: (item) => {
          if (!item.raw) return null;
          const { data: ranges_, middle } = item.dataset.percent;
          const [low, high] = ranges_[item.dataIndex];
          return `${item.dataset.label}: ${signed(middle[item.dataIndex], 2)}% ` +
            `(90% interval ${signed(low, 2)}% to ${signed(high, 2)}%)`;
        } },
    };
  }

  function accuracySection() {
    const rows = armsOf('global', false);
    const colours = ['full', 'sparse', 'other', 'naive', 'third'];
    const make = () => changes(rows.map((r) => radiusText(r.radius)), data.metrics.map((metric, i) =>
      ranges(metric, colours[i % colours.length], rows, (r) => r[metric])));
    const byRadius = rows.map((r) => {
      const mass = data.mass_summary.find((m) => m.radius === r.radius) || {};
      const speed = (data.perf_summary_by_radius.find((s) => s.radius === r.radius) || {}).median_speedup;
      const p = r[lead].p_equivalence;
      return [radiusText(r.radius), between(r[lead]), !known(p) ? missing : p < 0.05 ? 'yes' : 'not shown',
        known(r[lead].smallest_margin_percent) ? `${fixed(r[lead].smallest_margin_percent, 1)}%` : missing,
        ...further.map((metric) => between(r[metric])), percent(mass.kept_mass_mean_ctxQ_all),
        percent(mass.uniform_mass_mean_ctxQ_all), percent(mass.kept_edges_mean_ctxQ_all),
        known(speed) ? `${fixed(speed, 3)}×` : missing];
    });
    const margin = `${significant(100 * data.margin)}%`;
    section('accuracy', 'What it costs in accuracy', figure('bar',
      `Change of the error against full attention, geometric mean of ${count(rows[0][lead].n, 'task')}, with 90% ` +
      `intervals; above zero is worse. The axis is even up to ${margin}, then each step is a factor. Green: the margin of ` +
      `${margin}. Sparse is shown to equal full within it where the whole interval lies in the green band; an interval ` +
      'that holds zero shows nothing by itself.', make),
    table('radii', ['radius', `${lead} (90% interval)`, `equal within ${margin}`, 'smallest margin',
      ...further.map((metric) => `${metric} (90% interval)`), 'kept mass', 'uniform', 'kept edges', 'speed-up'], byRadius),
    el('p', { class: 'note' }, 'Kept mass, uniform and kept edges are means of windows, the speed-up is the ' +
      'median of tasks. Uniform: what attention would keep that spreads evenly over the tokens that are no padding; kept ' +
      'edges count padding too. Equal within the margin: two one-sided tests of the log ratios at 5%, which is to say ' +
      'that the 90% interval lies in the band. Band, table and smallest margin hold for one radius that was chosen ' +
      'beforehand. Whoever picks a radius from the table takes the tests that Holm corrected for the number of radii: ' +
      'equivalent_holm in the file of the tests, __equivalence.csv.'));
  }

  /* Arms beside the published ones: one of the pattern's two effects alone, and weights trained for it. */
  function armsSection() {
    const families = [
      ['window, future hidden', 'sparse', armsOf('global', false)],
      ['window, future visible', 'other', armsOf('visible', false)],
      ['window, null future', 'naive', armsOf('null', false)],
      ['trained sparse', 'third', [...armsOf('global', true), ...armsOf('full', true)]],
    ].filter(([, , members]) => members.length);
    if (families.length < 2) return;
    const order = (r) => (r === null ? 3e9 : r === 'inf' ? 2e9 : r);
    const radii = [...new Set(families.flatMap(([, , members]) => members.map((arm) => arm.radius)))]
      .sort((a, b) => order(a) - order(b));
    const find = (members, radius) => members.find((arm) => arm.radius === radius);
    const label = (radius) => (radius === null ? 'full' : radiusText(radius));
    const make = () => changes(radii.map(label), families.map(([name, colour, members]) =>
      ranges(name, colour, radii, (radius) => (find(members, radius) || {})[lead] || {})));
    section('arms', 'Why it costs: the window, the hidden future, or training', figure('bar',
      `Change of ${lead} against full attention, geometric mean of tasks, with 90% intervals. The pattern gives context ` +
      'tokens a window and hides the future from them. At radius ∞ only the future is hidden; with the future visible ' +
      'there is only the window. With a null future the context sees future tokens of which nothing is known; without ' +
      'known covariates that is the future itself.' + (armsOf('full', true).length ? ' Trained sparse: the weights of ' +
      `${data.record.options.sparse_model}, against full attention of the first weights.` : ''), make),
    table('radii', ['radius', ...families.map(([name]) => `${name} (90% interval)`)], radii.map((radius) =>
      [label(radius), ...families.map(([, , members]) => between((find(members, radius) || {})[lead] || {}))])));
  }

  /* ---- Time and memory ------------------------------------------------------------------------- */

  const sparseAt = (task, radius) => task.sparse.find((s) => s.radius === radius) || {};

  function timeSection() {
    let radius = data.radius;
    const make = () => {
      const timed = tasks.map((t) => ({ x: t.tokens, name: t.name, ...sparseAt(t, radius) }))
        .filter((t) => known(t.speedup_geomean)).sort((a, b) => a.x - b.x);
      const points = timed.map((t) => ({ x: t.x, y: t.speedup_geomean, name: t.name }));
      const clear = timed.map(({ speedup_low_95: low, speedup_high_95: high }) => low > 1 || (known(high) && high < 1));
      const only = (values, which) => values.filter((_, i) => clear[i] === which);
      const bounds = timed.map((t) => ({ x: t.x, y: t.speedup_flop_bound, name: t.name })).filter((t) => known(t.y));
      const whiskers = timed.map((t) => [t.speedup_low_95, t.speedup_high_95]);
      const most = 1.5 * Math.max(1, ...timed.map((t) => t.speedup_geomean));
      const seen = whiskers.flat().filter(known).map((y) => Math.min(Math.max(y, 0.5), most));
      const range = extent(1, [seen, [...points, ...bounds].map((p) => p.y)]);
      return {
        datasets: [
          line('bound by operations', 'sparse', bounds, { showLine: false, pointStyle: 'rect' }),
          line(`measured, radius ${radiusText(radius)}`, 'full', only(points, true),
            { showLine: false, pointRadius: 4.5, whiskers: only(whiskers, true) }),
          line('no difference shown', 'naive', only(points, false), { showLine: false, pointRadius: 3,
            backgroundColor: `${style('naive')}55`, whiskers: only(whiskers, false) }),
        ].filter((set) => set.data.length > 0),
        interaction: { mode: 'nearest', intersect: false },
        level: 1,
        scales: { x: axis('S (tokens)', { type: 'logarithmic',
          ticks: { maxRotation: 0, callback: (v) => (/^[125]/.test(v.toExponential()) ? v : '') } }),
        y: axis('time of full / time of sparse', { ...range, suggestedMin: Math.max(0, range.suggestedMin) }) },
        callbacks: { label: (item) =>
          `${item.raw.name}: ${fixed(item.raw.y, 3)}× at ${item.raw.x} tokens (${item.dataset.label})` },
      };
    };
    section('time', 'What it gains in time', choice('Radius', data.radii, (r) => { radius = r; redraw(); }),
      figure('scatter', 'Speed of sparse over that of full attention, a point a task, with 95% intervals over ' +
      'repeats (cut where they leave the chart); above 1 sparse is faster. Where the interval holds 1 no difference is ' +
      'shown: such a point is noise, and grey. The bound is what the saved arithmetic alone could give.', make));
  }

  function memorySection() {
    const room = window.innerWidth < 480 ? 16 : 28; /* characters of a name */
    const make = () => ({
      labels: tasks.map((t) => (t.name.length > room ? `${t.name.slice(0, room - 1)}…` : t.name)),
      datasets: [
        { label: 'full', data: tasks.map((t) => sparseAt(t, data.radius).peak_alloc_mb_median_full), backgroundColor: style('full') },
        { label: `radius ${radiusText(data.radius)}`, data: tasks.map((t) => sparseAt(t, data.radius).peak_alloc_mb_median_sparse),
          backgroundColor: style('sparse') },
      ],
      indexAxis: 'y',
      scales: { x: axis('peak of the engine (MB)', { beginAtZero: true }),
        y: axis('', { title: { display: false }, grid: { display: false }, ticks: { autoSkip: false } }) },
      callbacks: { title: ([item]) => tasks[item.dataIndex].name,
        label: (item) => `${item.dataset.label}: ${fixed(item.parsed.x, 2)} MB` },
    });
    const megabytes = tasks.map((t) => [t.name, ...['alloc', 'reserved'].flatMap((kind) =>
      ['full', 'sparse'].map((arm) => fixed(sparseAt(t, data.radius)[`peak_${kind}_mb_median_${arm}`], 1)))]);
    const r = `r\u00a0=\u00a0${radiusText(data.radius)}`;
    section('memory', 'Memory', figure('bar', 'Largest memory that the engine held during a pass over a task, full ' +
      `against radius ${radiusText(data.radius)}; shorter is better.`, make, `${7 + 2.2 * tasks.length}rem`),
    el('details', {}, el('summary', {}, 'In numbers, and of the whole process'),
      table('tasks', ['task', 'full', r, 'full', r], megabytes,
        [['', 1], ['engine (MB)', 2], ['process, resident (MB)', 2]])));
  }

  /* ---- Tasks ----------------------------------------------------------------------------------- */

  function tasksSection() {
    const scoresOf = (t, metric) => [...['full', 'sparse'].map((arm) => sparseAt(t, data.radius)[`${metric}_${arm}`]),
      t.naive[metric]];
    const digits = Object.fromEntries(data.metrics.map((metric) =>
      [metric, decimals(tasks.flatMap((t) => scoresOf(t, metric)))]));
    const rows = tasks.map((t) => {
      const scores = data.metrics.flatMap((metric) => scoresOf(t, metric).map((score, i, [, , naive]) =>
        el('td', i < 2 && known(naive) && score > naive ? { class: 'worse' } : {}, fixed(score, digits[metric]))));
      return [t.name, ...scores, percent(t.kept[data.radii.indexOf(data.radius)], 0), significant(t.tokens),
        String(t.naive.num_windows), String(t.naive.num_forecasts)];
    });
    const r = `r\u00a0=\u00a0${radiusText(data.radius)}`;
    section('tasks', 'Task by task', table('tasks',
      ['task', ...data.metrics.flatMap(() => ['full', r, 'naive']), 'kept mass', 'S', 'windows', 'forecasts'], rows,
      [['', 1], ...data.metrics.map((metric) => [metric, 3]), ['', 4]]),
    el('p', { class: 'note' }, 'S: tokens of the probed window. Naive: the last season repeated. ',
      el('span', { class: 'worse' }, 'Coloured'), ': worse than naive.'));
  }

  /* ---- Forecasts -------------------------------------------------------------------------------- */

  function forecastFigure(example) {
    const { past, truth } = example;
    const level = (values, which) => values.filter((_, i) => i % 3 === which);
    const of = (name, colour, values) => ({ name, colour, overlay: true, median: level(values, 1),
      quantiles: [0, 1, 2].map((which) => level(values, which)) });
    return fan(`${example.task}, series ${example.series}, steps from the last observation`, {
      stamps: [...past, ...truth].map((_, i) => String(i + 1 - past.length).replace('-', '−')), past, truth,
      levels: [0.1, 0.5, 0.9], fans: [of('full', 'full', example.full),
        of(`radius ${radiusText(data.radius)}`, 'sparse', example.sparse)] });
  }

  function forecastsSection() {
    if (!data.examples.length) return;
    section('forecasts', 'Forecasts of a few series',
      el('div', { class: 'grid' }, ...data.examples.map(forecastFigure)),
      el('p', { class: 'note' }, 'The first series of the first tasks, last window: what was observed, and the ' +
        `median and 80% band of the forecasts by full attention and by radius ${radiusText(data.radius)}. Lines that ` +
        'cover each other mean that the pattern changes little.'));
  }

  /* ---- Running it again -------------------------------------------------------------------------- */

  function againSection() {
    const { command, versions, machine, options, sha256 } = data.record;
    const sums = { model: sha256.model, 'task file': sha256.tasks, ...sha256.data };
    section('again', 'How to run it again', el('pre', {}, el('code', {}, command || '')),
      el('h3', {}, 'Versions'), facts(versions), el('h3', {}, 'Machine'), facts(machine),
      el('h3', {}, 'SHA-256'), facts(sums),
      el('details', {}, el('summary', {}, 'Every option'), facts(options)));
  }

  /* ---- The page ---------------------------------------------------------------------------------- */

  document.getElementById('about').textContent =
    `Model ${data.model}, ${count(tasks.length, 'task')}: attention by the ` +
    `pattern windowed_future_global within a radius of ${data.radii.map(radiusText).join(', ')} tokens, ` +
    'against full attention.';
  massSection();
  headsSection();
  sinksSection();
  accuracySection();
  armsSection();
  timeSection();
  memorySection();
  tasksSection();
  forecastsSection();
  againSection();
  start();
})();
