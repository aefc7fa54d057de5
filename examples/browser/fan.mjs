/* The fan chart as an SVG picture: what was observed, the median, and bands between pairs of quantiles. */

const round = (x) => Math.round(x * 100) / 100;

/* About `count` round numbers from low to high. */
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) out.push(Number(v.toPrecision(12)));
  return out;
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
  const pad = (high - low || Math.abs(high) || 1) * 0.05;
  low -= pad;
  high += pad;
  const label = (v) => (Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(1) : v.toLocaleString('en'));
  const marks = ticks(low, high, height / 60);
  const left = 12 + 7.2 * Math.max(...marks.map((v) => label(v).length));
  const steps = shown + median.length;
  const x = (i) => round(left + (i / (steps - 1)) * (width - left - 14));
  const y = (v) => round(10 + ((high - v) / (high - low)) * (height - 40));
  const line = (list, from) => {
    let path = '';
    list.forEach((v, i) => {
      if (v !== null) path += `${path === '' || list[i - 1] === null ? 'M' : 'L'}${x(from + i)} ${y(v)}`;
    });
    return path;
  };
  const lastIndex = seen.findLastIndex((v) => v !== null);
  const joined = (list) => (lastIndex === shown - 1 ? [seen[lastIndex], ...list] : [...list]);
  const from = lastIndex === shown - 1 ? shown - 1 : shown;
  const area = ([lower, upper, opacity]) => {
    const top = joined(upper).map((v, i) => `${x(from + i)} ${y(v)}`);
    const bottom = joined(lower).map((v, i) => `${x(from + i)} ${y(v)}`).reverse();
    return `<path class="band" opacity="${opacity}" d="M${[...top, ...bottom].join('L')}Z"/>`;
  };
  const yearly = times.every((t) => t.slice(4) === times[0].slice(4));
  const time = (i) => (yearly ? times[start + i].slice(0, 4) : times[start + i].includes(' ') ? times[start + i].slice(5, 16) : times[start + i]);
  const places = Math.max(2, Math.floor((width - left) / 130));
  const labels = Array.from({length: places}, (_, k) => Math.round((k * (steps - 1)) / (places - 1)));
  const anchor = (k) => (k === 0 ? 'start' : k === places - 1 ? 'end' : 'middle');
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Fan chart: ${shown} observations and ${median.length} forecast steps">
    ${marks.map((v) => `<path class="grid" d="M${left} ${y(v)}H${width - 14}"/><text x="${left - 7}" y="${y(v) + 4}" text-anchor="end">${label(v)}</text>`).join('')}
    ${labels.map((i, k) => `<text x="${x(i)}" y="${height - 8}" text-anchor="${anchor(k)}">${time(i)}</text>`).join('')}
    ${bands.map(area).join('')}<path class="past" d="${line(seen, 0)}"/><path class="median" d="${line(joined(median), from)}"/></svg>`;
}
