/* Draws the page of forecasts from its data. */
'use strict';
(() => {
  const { count, el, section, fan, strip, limits, bandsOf, shareText, browse, facts, start } = page;
  const data = JSON.parse(document.getElementById('data').textContent);
  const many = data.scenarios.length > 0;

  /* Items that have their steps in common with the one before them don't name them again. */
  data.items.reduce((stamps, item) => (item.stamps = item.stamps || stamps), null);

  function target(item, one, scenario, shared) {
    return fan([item.targets.length > 1 ? one.name : '', many ? `scenario ${data.scenarios[scenario]}` : '']
      .filter(Boolean).join(', '), {
      label: item.id, stamps: item.stamps, past: one.past, levels: data.levels, limits: shared,
      fans: [{ name: 'median', colour: 'full', ...one.fans[scenario] }] });
  }

  /* A covariate's past, and its future where it is known. */
  const values = (item, covariate, scenario) => [...covariate.past, ...(covariate.futures[scenario] || [])]
    .concat(Array(item.stamps.length).fill(null)).slice(0, item.stamps.length);

  function show(item) {
    const shared = item.targets.map((one) => (many ?
      limits(one.past, one.fans.map((f) => [f.median, ...f.quantiles])) : undefined));
    const scenarios = many ? data.scenarios.map((_, i) => i) : [0];
    const columns = scenarios.map((scenario) => el('div', {},
      ...item.targets.map((one, i) => target(item, one, scenario, shared[i])),
      ...item.covariates.map((c) => strip(c.name, values(item, c, scenario), item.stamps, item.targets[0].past.length))));
    const past = item.targets[0].past.length;
    const note = past < item.length ? `the last ${past} of ${count(item.length, 'step')}` : count(past, 'step');
    return el('article', {}, el('h3', {}, item.id), el('p', { class: 'note' }, `History: ${note}.`),
      el('div', { class: many ? 'grid' : '' }, ...columns));
  }

  document.getElementById('about').textContent = `Model ${data.facts.Model}, ${data.facts.Attention}`;
  const bands = bandsOf(data.levels);
  const words = bands.length ? `Bands: ${bands.map(([share]) => shareText(share)).join(', ')} of what may come, as the ` +
    'model expects it; the narrow ones are darker. ' : '';
  const list = browse(data.items, many ? 4 : 12, 'series',
    (item) => `${item.id} ${item.targets.map((one) => one.name).join(' ')}`, show);
  if (!many) list.lastChild.className = 'grid';
  section('series', many ? 'Scenarios' : 'Forecasts', el('p', { class: 'note' },
    `${words}The thin upright line is the last step of the history.${many ? ' Scenarios of a series share their scale.' :
      ''}`), list);
  section('facts', 'Facts', facts(data.facts));
  start(data.warnings);
})();
