/* Draws the page of a detection from its data. */
'use strict';
(() => {
  const { known, fixed, significant, digitsApart, count, el, section, table, fan, shareText, browse, facts, start } = page;
  const data = JSON.parse(document.getElementById('data').textContent);
  const name = (one) => [one.id, one.target].filter(Boolean).join(', ');
  const order = [...data.series].sort((a, b) => b.count - a.count);

  /* An infinite score is a text. */
  const scoreText = (x) => (typeof x === 'number' ? fixed(x, 2) : String(x).replace('-', '−').replace('inf', '∞'));

  /* Value, expected, lower, upper: as many digits as tell the band's ends apart, or else value and expectation. */
  function numbersOf(f) {
    const hasWidth = known(f.lower) && known(f.upper) && f.upper > f.lower;
    const [low, high] = hasWidth ? [f.lower, f.upper] : [f.value, f.expected].sort((a, b) => a - b);
    return [f.value, f.expected, f.lower, f.upper].map((x) => significant(x, digitsApart(low, high)));
  }

  function show(one) {
    const note = `${one.count} of ${count(one.judged, 'observation')} outside` +
      `${one.past && one.past.length < one.length ? `; the last ${one.past.length} of ${one.length} steps are drawn` : ''}`;
    const edge = 0.5 - data.coverage / 2;
    const chart = one.past ? fan('', { label: name(one), stamps: one.stamps, past: one.past, edge: null,
      levels: [edge, 1 - edge],
      fans: [{ name: 'expected', colour: 'full', from: one.from, median: one.band[0], quantiles: one.band.slice(1) }],
      marked: one.flags.filter((f) => f.x !== undefined).map((f) => ({ x: f.x, y: f.value })),
      markedName: 'outside' }) : el('p', { class: 'note' }, 'not drawn');
    return el('article', {}, el('h3', {}, name(one)), el('p', { class: 'note' }, note), chart);
  }

  function flagsSection() {
    const rows = order.flatMap((one) => one.flags.map((f) => [name(one), f]))
      .sort((a, b) => Math.abs(Number(b[1].score) || 1e99) - Math.abs(Number(a[1].score) || 1e99)).slice(0, 200);
    if (!rows.length) return;
    section('flags', 'The most striking ones', table('tasks flags',
      ['series', 'time stamp', 'value', 'expected', 'lower', 'upper', 'score'], rows.map(([series, f]) =>
        [series, f.stamp, ...numbersOf(f), scoreText(f.score)])),
    el('p', { class: 'note' }, 'Score: the distance from what was expected, in widths of the band on that side; beyond 1 ' +
      'or −1 is outside.'));
  }

  document.getElementById('about').textContent = `Model ${data.facts.Model}`;
  flagsSection();
  const list = browse(order, 8, 'series', name, show);
  list.lastChild.className = 'grid';
  section('series', 'Series by series', el('p', { class: 'note' }, 'The most flagged series first. The band should hold ' +
    `${shareText(data.coverage)} of ordinary observations.`), list);
  section('facts', 'Facts', facts(data.facts));
  start(data.warnings);
})();
