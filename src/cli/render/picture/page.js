'use strict';
(() => {
  const plan = JSON.parse(document.getElementById('plan').textContent);
  const by = id => document.getElementById(id);
  const chart = by('chart'), heat = by('heat'), scroller = by('rows'), tall = by('tall'), tip = by('tip');
  const ROW = 20, HEAD = 38, HOUR = 3600e3, DAY = 24 * HOUR;
  const nodes = plan.nodes, count = nodes.length;

  // ---- what is drawn -------------------------------------------------------------------------
  const before = Array.from({ length: count }, () => []), after = Array.from({ length: count }, () => []);
  for (const [from, to] of plan.edges) { before[to].push(from); after[from].push(to); }
  for (const node of nodes) {
    node.who = node.a.map(a => plan.agents[a].n).join('+');
    const phase = node.p >= 0 ? plan.phases[node.p].t : '';
    node.text = (node.n + ' ' + node.t + ' ' + node.who + ' ' + phase).toLowerCase();
  }
  const order = plan.rows; // nodes by phase and start; a negative number is a phase's own row
  const is = { critical: false, chain: false, late: false, trace: false };
  let words = [], rows = [], rowOf = new Map(), picked = -1, traced = null, hovered = -1;
  let from = plan.from, to = plan.to;
  let width = 0, height = 0, names = 260, top = 0, waiting = false, colour = {};

  function shown(node) {
    if (node.k === 3) return false;
    if (is.critical && !node.c) return false;
    if (is.chain && !node.h) return false;
    if (is.late && !node.late) return false;
    if (is.trace && traced && !traced.has(node.x)) return false;
    return words.every(word => node.text.includes(word));
  }
  function refilter() {
    rows = [];
    let phase = null;
    for (const at of order) {
      if (at < 0) { phase = at; continue; }
      if (!shown(nodes[at])) continue;
      if (phase !== null) { rows.push(phase); phase = null; }
      rows.push(at);
    }
    rowOf = new Map(rows.map((at, row) => [at, row]));
    tall.style.height = rows.length * ROW + HEAD + 4 + 'px';
    const tasks = rows.filter(at => at >= 0 && nodes[at].k === 0).length;
    by('count').textContent = tasks + ' of ' + plan.tasks + ' tasks';
    ask();
  }
  function reach(start, next, found) {
    const open = [start];
    while (open.length) for (const at of next[open.pop()]) if (!found.has(at)) { found.add(at); open.push(at); }
  }
  function pick(at, scroll) {
    picked = at;
    traced = null;
    if (at >= 0) {
      traced = new Map();
      const up = new Set(), down = new Set();
      reach(at, before, up); reach(at, after, down);
      up.forEach(x => traced.set(x, -1)); down.forEach(x => traced.set(x, 1)); traced.set(at, 0);
      by('said').textContent = words_of(at);
    }
    if (is.trace) { if (at < 0) press('trace', false); refilter(); }
    if (scroll && rowOf.has(at)) {
      const y = rowOf.get(at) * ROW;
      if (y < scroller.scrollTop) scroller.scrollTop = y;
      if (y + ROW > scroller.scrollTop + height - HEAD) scroller.scrollTop = y + ROW - height + HEAD;
    }
    ask();
  }

  // ---- time ----------------------------------------------------------------------------------
  const zone = plan.zone;
  const format = options => {
    try { return new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options }); }
    catch { return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options }); }
  };
  const long = format({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
  const day = format({ day: 'numeric', month: 'short' }), weekday = format({ weekday: 'short', day: 'numeric' });
  const clock = format({ hour: '2-digit', minute: '2-digit' }), month = format({ month: 'short', year: 'numeric' });
  const dated = plan.origin !== null;
  const at_ = ms => dated ? long.format(plan.origin + ms).replace(',', '') : length(ms) + ' after the start';
  function length(ms) {
    const sign = ms < 0 ? '-' : ''; ms = Math.abs(ms);
    const units = [[DAY, 'd'], [HOUR, 'h'], [60e3, 'm'], [1e3, 's'], [1, 'ms']];
    const parts = [];
    for (const [unit, name] of units) {
      const n = Math.floor(ms / unit);
      if (n > 0) { parts.push(n + name); ms -= n * unit; if (parts.length === 2) break; }
      else if (parts.length) break;
    }
    return sign + (parts.join(' ') || '0s');
  }
  const x_of = ms => names + (ms - from) / (to - from) * (width - names);
  const ms_of = x => from + (x - names) / (width - names) * (to - from);
  function zoom(factor, x) {
    const middle = x === undefined ? (from + to) / 2 : ms_of(x);
    const least = Math.max((plan.to - plan.from) / 5e4, 1), most = (plan.to - plan.from) * 1.5;
    const span = Math.min(Math.max((to - from) * factor, least), most);
    const share = (middle - from) / (to - from);
    from = middle - span * share; to = from + span;
    ask();
  }
  function move(ms) {
    const span = to - from, room = span * 0.9;
    from = Math.min(Math.max(from + ms, plan.from - room), plan.to - span + room);
    to = from + span;
    ask();
  }
  const STEPS = [1, 10, 100, 1e3, 5e3, 15e3, 60e3, 300e3, 900e3, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY, 3640 * DAY];
  function ticks() {
    const room = 74 / (width - names) * (to - from);
    const step = STEPS.find(step => step >= room) || STEPS[STEPS.length - 1];
    const found = [];
    if (step < DAY || !dated || !plan.midnights.length) {
      // hours of a day are counted from its midnight where there is one
      const zero = step < DAY && plan.midnights.length ? plan.midnights[0] : 0;
      for (let ms = zero + Math.ceil((from - zero) / step) * step; ms < to && found.length < 400; ms += step) found.push(ms);
    } else {
      const every = Math.round(step / DAY);
      plan.midnights.forEach((ms, n) => { if (ms >= from && ms < to && (n - plan.monday) % every === 0) found.push(ms); });
    }
    const label = ms => {
      if (!dated) return length(ms);
      if (step < DAY) return clock.format(plan.origin + ms);
      return step === DAY ? weekday.format(plan.origin + ms) : step < 91 * DAY ? day.format(plan.origin + ms) : month.format(plan.origin + ms);
    };
    return found.map(ms => [x_of(ms), label(ms), ms]);
  }

  // ---- drawing -------------------------------------------------------------------------------
  function read_colours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['ink', 'dim', 'line', 'ground', 'soft', 'work', 'full', 'critical', 'chain', 'slack', 'event', 'late', 'good', 'rest', 'pick', 'today'])
      colour[name] = style.getPropertyValue('--' + name).trim();
  }
  function fitted(canvas, w, h) {
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio);
      canvas.style.width = w + 'px'; canvas.style.height = h + 'px';
    }
    const pen = canvas.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    return pen;
  }
  const cuts = new Map();
  function cut(pen, text, room) {
    const key = room + '|' + pen.font + '|' + text;
    let kept = cuts.get(key);
    if (kept === undefined) {
      kept = text;
      if (pen.measureText(text).width > room) {
        let low = 0, high = text.length;
        while (low < high) { const mid = (low + high + 1) >> 1; if (pen.measureText(text.slice(0, mid) + '…').width <= room) low = mid; else high = mid - 1; }
        kept = low > 0 ? text.slice(0, low) + '…' : '';
      }
      if (cuts.size > 20000) cuts.clear();
      cuts.set(key, kept);
    }
    return kept;
  }
  function ask() { if (!waiting) { waiting = true; requestAnimationFrame(draw); } }
  function draw(whole) {
    waiting = false;
    width = whole === true ? SHEET.width : scroller.clientWidth;
    names = Math.max(140, Math.min(320, width * 0.3));
    height = whole === true ? rows.length * ROW + HEAD : scroller.clientHeight;
    const pen = fitted(chart, width, height);
    top = whole === true ? 0 : scroller.scrollTop;
    pen.fillStyle = colour.ground; pen.fillRect(0, 0, width, height);
    pen.font = '12px system-ui,sans-serif'; pen.textBaseline = 'middle';
    const first = Math.max(0, Math.floor(top / ROW)), last = Math.min(rows.length, Math.ceil((top + height - HEAD) / ROW));
    pen.save(); pen.beginPath(); pen.rect(names, 0, width - names, height); pen.clip();
    pen.fillStyle = colour.rest;
    for (const [a, b] of plan.rest) {
      if (b < from || a > to) continue;
      const x = x_of(a), w = x_of(b) - x;
      if (w >= 1.5) pen.fillRect(x, HEAD, w, height);
    }
    const marks = ticks();
    pen.fillStyle = colour.line;
    for (const [x] of marks) pen.fillRect(Math.round(x), HEAD - 6, 1, height);
    for (let row = first; row < last; row++) bar(pen, rows[row], HEAD + row * ROW - top);
    arrows(pen);
    now(pen);
    pen.restore();
    for (let row = first; row < last; row++) name(pen, rows[row], HEAD + row * ROW - top);
    pen.fillStyle = colour.ground; pen.fillRect(0, 0, width, HEAD - 6);
    pen.fillStyle = colour.dim;
    for (const [x, label] of marks) if (x > names - 4) pen.fillText(label, x + 3, HEAD - 18);
    pen.fillRect(0, HEAD - 6, width, 1);
    if (rows.length === 0) { pen.fillStyle = colour.dim; pen.fillText('nothing passes the filter', 16, HEAD + 20); }
    loads();
  }
  function name(pen, at, y) {
    pen.textAlign = 'left';
    if (at < 0) {
      pen.font = 'bold 12px system-ui,sans-serif'; pen.fillStyle = colour.ink;
      const phase = plan.phases[-at - 1];
      pen.fillText(cut(pen, phase ? phase.t : 'Outside the phases', names - 16), 8, y + ROW / 2);
      pen.font = '12px system-ui,sans-serif';
      return;
    }
    const node = nodes[at];
    if (at === picked || at === hovered) { pen.fillStyle = colour.pick; pen.fillRect(0, y, names, ROW); }
    const mark = node.late ? '!' : node.c ? '●' : node.h ? '○' : '';
    pen.fillStyle = node.late ? colour.late : node.c ? colour.critical : colour.ink;
    pen.fillText(mark, 8, y + ROW / 2);
    const room = names - 30 - (node.who ? Math.min(90, names * 0.3) : 0);
    const label = cut(pen, node.n, room);
    pen.fillText(label, 22, y + ROW / 2);
    const used = pen.measureText(label).width;
    pen.fillStyle = colour.dim;
    if (room - used > 30) pen.fillText(cut(pen, node.t, room - used - 8), 28 + used, y + ROW / 2);
    if (node.who) { pen.textAlign = 'right'; pen.fillText(cut(pen, node.who, Math.min(84, names * 0.3)), names - 6, y + ROW / 2); pen.textAlign = 'left'; }
  }
  function bar(pen, at, y) {
    if (at < 0) {
      const phase = plan.phases[-at - 1];
      if (!phase || phase.s === null) return;
      const x = x_of(phase.s), w = Math.max(2, x_of(phase.f) - x);
      pen.fillStyle = colour.ink; pen.fillRect(x, y + 7, w, 3); pen.fillRect(x, y + 7, 2, 7); pen.fillRect(x + w - 2, y + 7, 2, 7);
      return;
    }
    const node = nodes[at];
    if (at === picked || at === hovered) { pen.fillStyle = colour.pick; pen.fillRect(names, y, width - names, ROW); }
    if (node.off) return;
    pen.globalAlpha = traced && !traced.has(at) ? 0.35 : 1;
    if (node.k === 0) {
      const x = x_of(node.s), w = Math.max(2, x_of(node.f) - x);
      if (node.l > node.f && !node.c) { pen.fillStyle = colour.slack; pen.fillRect(x + w, y + ROW / 2 - 1, x_of(node.l) - x - w, 2); }
      pen.fillStyle = node.c ? colour.critical : colour.work;
      pen.fillRect(x, y + 4, w, ROW - 8);
      if (node.h) { pen.strokeStyle = colour.chain; pen.lineWidth = 1.5; pen.strokeRect(x + 0.5, y + 4, Math.max(1, w - 1), ROW - 8); }
    } else {
      const x = x_of(node.f);
      pen.fillStyle = node.c ? colour.critical : colour.event;
      pen.textAlign = 'center'; pen.fillText(node.k === 1 ? '◆' : '◇', x, y + ROW / 2); pen.textAlign = 'left';
    }
    if (node.d !== null) {
      pen.fillStyle = node.late ? colour.late : colour.good;
      pen.textAlign = 'center'; pen.fillText(node.late ? '!' : '▼', x_of(node.d), y + ROW / 2); pen.textAlign = 'left';
    }
    pen.globalAlpha = 1;
  }
  function arrows(pen) {
    if (picked < 0 || !traced) return;
    pen.strokeStyle = colour.dim; pen.lineWidth = 1;
    let drawn = 0;
    for (const at of traced.keys()) {
      for (const next of after[at]) {
        if (!traced.has(next) || !rowOf.has(at) || !rowOf.has(next) || drawn > 1500) continue;
        const y1 = HEAD + rowOf.get(at) * ROW - top + ROW / 2, y2 = HEAD + rowOf.get(next) * ROW - top + ROW / 2;
        if ((y1 < 0 && y2 < 0) || (y1 > height && y2 > height)) continue;
        const x1 = x_of(nodes[at].f), x2 = x_of(nodes[next].k === 0 ? nodes[next].s : nodes[next].f);
        pen.beginPath(); pen.moveTo(x1, y1); pen.bezierCurveTo(x1 + 24, y1, x2 - 24, y2, x2, y2); pen.stroke();
        drawn++;
      }
    }
  }
  function now(pen) {
    if (!dated) return;
    const ms = Date.now() - plan.origin;
    if (ms < plan.from || ms > plan.to) return;
    pen.strokeStyle = colour.today; pen.setLineDash([4, 3]); pen.beginPath();
    const x = x_of(ms); pen.moveTo(x, HEAD - 6); pen.lineTo(x, height); pen.stroke(); pen.setLineDash([]);
  }
  function loads() {
    const busy = plan.busy, line = 16;
    if (!busy.length) { by('loads').hidden = true; return; }
    const h = busy.length * line + 20;
    const pen = fitted(heat, width, h);
    pen.fillStyle = colour.ground; pen.fillRect(0, 0, width, h);
    pen.font = '11px system-ui,sans-serif'; pen.textBaseline = 'middle'; pen.fillStyle = colour.dim;
    pen.fillText('Load of each agent', 8, 9);
    busy.forEach((one, row) => {
      const y = 18 + row * line, agent = plan.agents[one.a];
      pen.fillStyle = colour.ink; pen.textAlign = 'left'; pen.fillText(cut(pen, agent.n, names - 60), 8, y + line / 2);
      pen.textAlign = 'right'; pen.fillText(agent.load + '%', names - 6, y + line / 2); pen.textAlign = 'left';
      pen.save(); pen.beginPath(); pen.rect(names, y, width - names, line); pen.clip();
      const span = (plan.to - plan.from) / one.h.length;
      for (let n = 0; n < one.h.length; n++) {
        const share = one.h[n];
        if (share === null || share === 0) continue;
        const x = x_of(plan.from + n * span), w = x_of(plan.from + (n + 1) * span) - x;
        if (x > width || x + w < names) continue;
        pen.globalAlpha = 0.15 + 0.85 * Math.min(1, share / 100);
        pen.fillStyle = share >= 95 ? colour.full : colour.work;
        pen.fillRect(x, y + 1, Math.max(1, w + 0.4), line - 2);
      }
      pen.restore();
    });
  }

  // ---- what people do ------------------------------------------------------------------------
  function words_of(at) {
    const node = nodes[at];
    const lines = [node.n + (node.t ? '  ' + node.t : '')];
    if (node.off) { lines.push('off the plan: waits for something that is not expected'); return lines.join('\n'); }
    lines.push(node.k === 0 && node.f > node.s ? at_(node.s) + ' – ' + at_(node.f) : at_(node.f));
    if (node.who) lines.push('by ' + node.who + (node.e ? ', takes ' + node.e : ''));
    lines.push(node.c ? 'critical: any delay delays the end' : node.h ? 'holds the end, with who is there' : 'slack by needs alone: ' + length(node.sl));
    if (node.d !== null) lines.push((node.late ? 'late: due ' : 'due ') + at_(node.d));
    if (node.w) lines.push('waits: ' + node.w);
    const name = list => list.filter(x => nodes[x].k !== 3).slice(0, 6).map(x => nodes[x].n).join(', ') + (list.length > 6 ? ', …' : '');
    if (before[at].some(x => nodes[x].k !== 3)) lines.push('needs ' + name(before[at]));
    if (after[at].some(x => nodes[x].k !== 3)) lines.push('before ' + name(after[at]));
    return lines.join('\n');
  }
  const row_at = y => { const at = rows[Math.floor((y - HEAD + scroller.scrollTop) / ROW)]; return y < HEAD || at === undefined || at < 0 ? -1 : at; };
  let drag = null;
  chart.addEventListener('pointerdown', e => { drag = { x: e.clientX, y: e.clientY, moved: false }; chart.setPointerCapture(e.pointerId); });
  chart.addEventListener('pointermove', e => {
    const box = chart.getBoundingClientRect();
    if (drag && e.buttons) {
      if (Math.abs(e.clientX - drag.x) + Math.abs(e.clientY - drag.y) > 3) drag.moved = true;
      if (drag.moved) {
        move(-(e.clientX - drag.x) / (width - names) * (to - from));
        scroller.scrollTop -= e.clientY - drag.y;
        drag.x = e.clientX; drag.y = e.clientY;
      }
      tip.hidden = true;
      return;
    }
    const at = row_at(e.clientY - box.top);
    if (at !== hovered) { hovered = at; ask(); }
    tip.hidden = at < 0;
    if (at >= 0) {
      tip.textContent = words_of(at);
      const w = tip.offsetWidth, h = tip.offsetHeight;
      tip.style.left = Math.max(4, Math.min(e.clientX + 14, innerWidth - w - 8)) + 'px';
      tip.style.top = (e.clientY + 18 + h > innerHeight ? e.clientY - h - 10 : e.clientY + 18) + 'px';
    }
  });
  chart.addEventListener('pointerup', e => {
    if (drag && !drag.moved) { const at = row_at(e.clientY - chart.getBoundingClientRect().top); pick(at === picked ? -1 : at); }
    drag = null;
  });
  chart.addEventListener('pointerleave', () => { hovered = -1; tip.hidden = true; ask(); });
  scroller.addEventListener('wheel', e => {
    if (e.ctrlKey || e.metaKey) { e.preventDefault(); zoom(Math.exp(e.deltaY * 0.002), Math.max(names, e.clientX)); }
    else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { e.preventDefault(); move((e.deltaX || e.deltaY) / (width - names) * (to - from)); }
  }, { passive: false });
  scroller.addEventListener('scroll', () => { tip.hidden = true; ask(); });
  function press(id, on) { is[id] = on; by(id).setAttribute('aria-pressed', on); }
  for (const id of ['critical', 'chain', 'late', 'trace'])
    by(id).addEventListener('click', () => { press(id, !is[id]); if (id === 'trace' && picked < 0) press(id, false); refilter(); });
  by('filter').addEventListener('input', e => { words = e.target.value.toLowerCase().split(/\s+/).filter(Boolean); scroller.scrollTop = 0; refilter(); });
  const fit = () => { from = plan.from; to = plan.to; ask(); };
  by('in').addEventListener('click', () => zoom(0.6));
  by('out').addEventListener('click', () => zoom(1 / 0.6));
  by('fit').addEventListener('click', fit);
  by('theme').addEventListener('click', () => {
    const root = document.documentElement, dark = matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = (root.dataset.theme || (dark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark';
    read_colours(); ask();
  });
  function step(by_) {
    const tasks = rows.filter(at => at >= 0);
    if (!tasks.length) return;
    const at = tasks.indexOf(picked);
    pick(tasks[at < 0 ? 0 : Math.min(Math.max(at + by_, 0), tasks.length - 1)], true);
  }
  addEventListener('keydown', e => {
    if (e.target === by('filter')) { if (e.key === 'Escape') { e.target.blur(); scroller.focus(); } return; }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const keys = {
      '/': () => by('filter').focus(), ArrowDown: () => step(1), j: () => step(1), ArrowUp: () => step(-1), k: () => step(-1),
      PageDown: () => step(20), PageUp: () => step(-20), Home: () => step(-1e9), End: () => step(1e9),
      ArrowLeft: () => move((from - to) * 0.1), ArrowRight: () => move((to - from) * 0.1),
      '+': () => zoom(0.6), '=': () => zoom(0.6), '-': () => zoom(1 / 0.6), 0: fit,
      c: () => by('critical').click(), h: () => by('chain').click(), l: () => by('late').click(), t: () => by('trace').click(), d: () => by('theme').click(),
      Escape: () => { press('trace', false); pick(-1); refilter(); },
    };
    const act = keys[e.key];
    if (act && !(e.target.tagName === 'BUTTON' && e.key.length > 1)) { e.preventDefault(); act(); }
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { read_colours(); ask(); });
  new ResizeObserver(() => draw()).observe(scroller);
  // paper has no scroll bar and is white: a drawing for each sheet, as many rows as fit
  const SHEET = { width: 1040, rows: 32, most: 40 };
  function paper() {
    const all = rows, theme = document.documentElement.dataset.theme, sheets = by('paper');
    document.documentElement.dataset.theme = 'light'; read_colours();
    sheets.replaceChildren();
    for (let first = 0; first < Math.min(all.length, SHEET.rows * SHEET.most); first += SHEET.rows) {
      rows = all.slice(first, first + SHEET.rows);
      draw(true);
      const sheet = document.createElement('canvas');
      sheet.width = chart.width; sheet.height = chart.height;
      sheet.style.width = chart.style.width;
      sheet.getContext('2d').drawImage(chart, 0, 0);
      sheets.append(sheet);
    }
    rows = all;
    if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  }
  addEventListener('beforeprint', paper);
  addEventListener('afterprint', () => { by('paper').replaceChildren(); read_colours(); draw(); });
  nodes.forEach((node, x) => { node.x = x; });
  read_colours(); refilter(); draw();
  window.coordPlan = { draw, zoom, move, pick, scroller, refilter };
})();
