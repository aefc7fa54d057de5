/* Draws the page of an evaluation from its data. */
'use strict';
(() => {
  const { known, fixed, toPercent, percent, significant, el, section, table, figure, line, isAlone, axis, extent, fan,
    shareText, browse, facts, start } = page;
  const data = JSON.parse(document.getElementById('data').textContent);
  const named = { model: 'model', seasonal_naive: 'seasonal naive', against: 'against' };
  const colours = { model: 'full', seasonal_naive: 'naive', against: 'sparse' };
  const forecasters = Object.keys(data.overall);
  const others = forecasters.filter((who) => who !== 'seasonal_naive');
  const metric = (name) => data.metrics.indexOf(name);

  /* ---- Scores ----------------------------------------------------------------------------------- */

  /* Five digits of a row's numbers, with as many decimals for each; exponents where too few of them show one. */
  function alike(values) {
    const decimals = 4 - Math.floor(Math.log10(Math.max(...values.filter((x) => known(x) && x !== 0).map(Math.abs), 1e-300)));
    const isTiny = (x) => decimals > 10 || Math.abs(x) < 0.5 * 10 ** -Math.min(8, Math.max(0, decimals));
    return values.map((x) => (known(x) && x !== 0 && isTiny(x) ? x.toExponential(4).replaceAll('-', '−') :
      fixed(x, Math.min(8, Math.max(0, decimals)))));
  }

  function scoresSection() {
    const rows = data.metrics.map((name, m) => {
      const values = forecasters.map((who) => data.overall[who][m]);
      const naive = data.overall.seasonal_naive[m];
      return [name, ...alike(values), ...others.map((who) => {
        const ratio = data.overall[who][m] / naive;
        return el('td', known(ratio) && ratio > 1 ? { class: 'worse' } : {},
          ratio > 0 && ratio < 0.0005 ? ratio.toExponential(4).replace('-', '−') : fixed(ratio, 3));
      })];
    });
    section('scores', 'Scores of all series', table('scores',
      ['metric', ...forecasters.map((who) => named[who]), ...others.map((who) => `${named[who]} / naive`)], rows),
    el('p', { class: 'note' }, 'Means of windows, each over all its series and steps, as fev has them. A ratio below 1 ' +
      'says that the error is smaller than that of repeating the last season; ', el('span', { class: 'worse' },
      'coloured'), ': it is larger.'));
  }

  /* ---- Coverage ---------------------------------------------------------------------------------- */

  function levelsFigure() {
    const make = () => ({
      datasets: [
        line('as it should be', 'faint', [{ x: 0, y: 0 }, { x: 100, y: 100 }], { borderDash: [5, 4], pointRadius: 0,
          borderWidth: 1, pointStyle: 'line' }),
        ...others.map((who) => line(named[who], colours[who], data.coverage[who].levels.filter((l) => known(l.share))
          .map((l) => ({ x: 100 * l.level, y: 100 * l.share })))),
      ],
      interaction: { mode: 'nearest', intersect: false },
      scales: { x: axis('quantile level (%)', { type: 'linear', min: 0, max: 100 }),
        y: axis('truth at or below it (%)', { min: 0, max: 100 }) },
      callbacks: { title: ([item]) => `level ${significant(item.parsed.x / 100)}`,
        label: (item) => `${item.dataset.label}: ${fixed(item.parsed.y, 1)}%` },
    });
    return figure('line', 'How often the truth lies at or below each quantile. On the dashed line the levels mean what ' +
      'they say. A curve that is flatter than the line belongs to bands that are too narrow, a steeper one to bands that ' +
      'are too wide; one beside it to forecasts that lie too high or too low.', make);
  }

  /* Coverage of the widest and of a middle band by step of the horizon. */
  function stepsFigure() {
    const bands = data.coverage.model.bands;
    const chosen = [...new Set([0, Math.floor(bands.length / 2)])].filter((b) => b < bands.length);
    const labels = bands[0].steps.map((_, s) => String(s + 1));
    const dash = [[], [6, 3]];
    const make = () => ({
      labels,
      datasets: others.flatMap((who) => chosen.flatMap((b, i) => {
        const band = data.coverage[who].bands[b];
        const flat = labels.map(() => 100 * band.expected);
        return [
          line(`${named[who]}, ${shareText(band.expected)} band`, colours[who], band.steps.map(toPercent), {
            borderDash: dash[i],
            pointRadius: band.steps.map((_, s) => (labels.length > 40 && !isAlone(band.steps, s) ? 0 : 2)) }),
          ...(who === 'model' ? [line('', 'faint', flat, { borderWidth: 1, borderDash: [2, 3], pointRadius: 0,
            pointHitRadius: 0, unnamed: true })] : []),
        ];
      })),
      scales: { x: axis('step of the horizon', { ticks: { maxTicksLimit: 12, maxRotation: 0 } }),
        y: axis('truth within (%)', { ...extent(100 * bands[0].expected, chosen.map((b) => others.map((who) =>
          data.coverage[who].bands[b].steps.map(toPercent)))) }) },
      callbacks: { title: ([item]) => `step ${item.label}`, label: (item) => `${item.dataset.label}: ${
        fixed(item.parsed.y, 1)}%` },
    });
    return figure('line', 'How often the truth lies within a band, by step; dotted: how often it should.', make);
  }

  function coverageSection() {
    const bands = data.coverage.model.bands;
    if (!bands.length || !known(bands[0].share)) return;
    section('coverage', 'Whether the bands mean what they say', levelsFigure(), stepsFigure(),
      table('bands', ['band', ...others.map((who) => `${named[who]}: truth within`)],
        bands.map((band, b) => [shareText(band.expected),
          ...others.map((who) => percent(data.coverage[who].bands[b].share))])),
      el('p', { class: 'note' }, 'Shares of observed values, over all series, windows and steps. Steps of one window are ' +
        'wrong together, so the shares are less certain than so many values would be.'));
  }

  /* ---- Series ------------------------------------------------------------------------------------- */

  const name = (one) => [one.id, one.target].filter(Boolean).join(', ');

  function show(one) {
    const text = ['MASE', 'WQL'].map((m) => `${m} ${others.concat('seasonal_naive').map((who) =>
      `${significant(one.scores[who][metric(m)])} (${named[who]})`).join(', ')}`).join('; ');
    const chart = one.past ? fan('', { label: name(one), stamps: one.stamps, past: one.past, levels: data.levels,
      edge: null, fans: one.fans.map((f, i) => ({ name: i ? '' : 'median', unnamed: i > 0, colour: 'full', ...f })) }) :
      el('p', { class: 'note' }, 'not drawn');
    return el('article', {}, el('h3', {}, name(one)), el('p', { class: 'note' }, text), chart);
  }

  function seriesSection() {
    const order = [...data.series].sort((a, b) => (b.scores.model[0] || 0) - (a.scores.model[0] || 0));
    const list = browse(order, 12, 'series', name, show);
    list.lastChild.className = 'grid';
    section('series', 'Series by series', el('p', { class: 'note' }, `${data.series.length} series, the ` +
      'largest MASE first. Windows that overlap a later one are not drawn.'), list);
  }

  document.getElementById('about').textContent = `Model ${data.facts.Model}, ${data.facts.Forecasts} forecasts`;
  scoresSection();
  coverageSection();
  seriesSection();
  section('facts', 'Facts', facts(data.facts));
  start(data.warnings);
})();
