/* The fan chart as an SVG picture: what was observed, the median, and bands between pairs of quantiles. */

const round = (x) => Math.round(x * 100) / 100;

/* About `count` round numbers from low to high, and their distance. */
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10);
  const first = Math.ceil(low / step);
  const places = Math.max(0, Math.floor(high / step) - first + 1);
  return [Array.from({length: places}, (_, i) => Number(((first + i) * step).toPrecision(15)) + 0), step]; // no -0
}

/* Texts of ticks with the digits that tell one from the next. */
function labelsOf(marks, step) {
  const size = Math.max(...marks.map(Math.abs));
  const place = Math.floor(Math.log10(step) + 1e-9);
  if (size < 1e9 && place >= -6) {
    const decimals = {minimumFractionDigits: Math.max(0, -place), maximumFractionDigits: Math.max(0, -place)};
    return marks.map((v) => v.toLocaleString('en', decimals));
  }
  return marks.map((v) => (v === 0 ? '0' : v.toExponential(Math.max(0, Math.floor(Math.log10(Math.abs(v)) + 1e-9) - place))));
}

/* Digits of numbers that tell the ends of rows apart: 6, or more where the ends of one lie close together, as
 * c2_digits_apart has it. */
export function digitsApart(rows) {
  const digits = ([low, high]) => (high > low ? 3 + Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low))) : 0);
  return Math.min(17, Math.max(6, ...rows.map(digits)));
}

/* The lines of a time stamp: years alone where nothing else differs, else a date and a clock; seconds where one has them. */
function stampLines(times) {
  if (!times.every((t) => /^\d{4}-\d\d-\d\d/.test(t))) return (t) => [t];
  if (times.every((t) => t.slice(4) === times[0].slice(4))) return (t) => [t.slice(0, 4)];
  const minutes = times.every((t) => /^.{13}:\d\d:00(?!\.)/.test(t));
  return (t) => t.split(' ').map((part) => (minutes ? part.replace(/^(\d\d:\d\d):00/, '$1') : part));
}

/* past: numbers or null; bands: [[lower, upper, opacity], ...] of the future's steps; times: of past and future, as text. */
export function fanChart({past, median, bands, times, width}) {
  const height = width < 500 ? 300 : 380;
  const shown = Math.min(past.length, Math.max(60, 3 * median.length));
  const start = past.length - shown;
  const seen = past.slice(start);
  const values = [...seen.filter((v) => v !== null), ...median, ...bands.flatMap(([a, b]) => [...a, ...b])];
  let low = Math.min(...values);
  let high = Math.max(...values);
  const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const pad = 0.05 * (high - low > 1e-12 * size ? high - low : size); // a constant may differ from itself by roundings
  low -= pad;
  high += pad;
  const [marks, step] = ticks(low, high, height / 60);
  const texts = labelsOf(marks, step);
  const left = 12 + 7.2 * Math.max(...texts.map((text) => text.length));
  const steps = shown + median.length;
  const x = (i) => round(left + (Math.min(i, steps - 1) / (steps - 1)) * (width - left - 14));
  const y = (v) => round(10 + ((high - v) / (high - low)) * (height - 54));
  const line = (list, from) => {
    let path = '';
    list.forEach((v, i) => {
      if (v !== null) path += `${path === '' || list[i - 1] === null ? 'M' : 'L'}${x(from + i)} ${y(v)}`;
    });
    return path;
  };
  const alone = seen.flatMap((v, i) => (v !== null && (seen[i - 1] ?? seen[i + 1] ?? null) === null ? [[i, v]] : []));
  const last = seen[shown - 1];
  const single = last === null && median.length === 1; // a forecast of one step that joins nothing is drawn half a step wide
  const joined = (list) => (last !== null ? [last, ...list] : single ? [list[0], list[0]] : [...list]);
  const from = last !== null ? shown - 1 : single ? shown - 0.5 : shown;
  const area = ([lower, upper, opacity]) => {
    const top = joined(upper).map((v, i) => `${x(from + i)} ${y(v)}`);
    const bottom = joined(lower).map((v, i) => `${x(from + i)} ${y(v)}`).reverse();
    return `<path class="band" opacity="${opacity}" d="M${[...top, ...bottom].join('L')}Z"/>`;
  };
  const lines = stampLines(times);
  const places = Math.max(2, Math.min(steps, Math.floor((width - left) / 130)));
  const labels = Array.from({length: places}, (_, k) => Math.round((k * (steps - 1)) / (places - 1)));
  const anchor = (k) => (k === 0 ? 'start' : k === places - 1 ? 'end' : 'middle');
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Fan chart: ${shown} steps of history and ${median.length} forecast steps">
    ${marks.map((v, k) => `<path class="grid" d="M${left} ${y(v)}H${width - 14}"/><text x="${left - 7}" y="${y(v) + 4}" text-anchor="end">${texts[k]}</text>`).join('')}
    ${labels.map((i, k) => `<text y="${height - 22}" text-anchor="${anchor(k)}">${lines(times[start + i])
      .map((part, row) => `<tspan x="${x(i)}" dy="${14 * Math.min(row, 1)}">${part}</tspan>`).join('')}</text>`).join('')}
    ${bands.map(area).join('')}<path class="past" d="${line(seen, 0)}"/>${
      alone.map(([i, v]) => `<circle class="point" cx="${x(i)}" cy="${y(v)}" r="2"/>`).join('')}<path class="median" d="${line(joined(median), from)}"/></svg>`;
}
