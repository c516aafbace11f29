'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const view = document.getElementById('view');
  const svg = view.querySelector('svg');
  const panel = document.getElementById('panel');
  const search = document.getElementById('search');
  const count = document.getElementById('count');
  const nodes = new Map(data.nodes.map((node) => [node.id, node]));
  const ids = new Map(Object.entries(data.elements).map(([id, element]) => [element, id]));

  // A crowded picture does not draw every rule; the policy of such a rule stands for it.
  const drawn = (node) => {
    const own = document.getElementById(data.elements[node.id]);
    return own || (node.of && nodes.has(node.of) ? drawn(nodes.get(node.of)) : null);
  };

  // Moving about: the part of the picture that is shown.
  const whole = svg.viewBox.baseVal;
  const all = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  let shown = { ...all };
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  svg.setAttribute('preserveAspectRatio', 'xMidYMin meet');
  const show = (box) => {
    shown = box;
    svg.setAttribute('viewBox', `${box.x} ${box.y} ${box.width} ${box.height}`);
  };
  // Units of the picture in one pixel.
  const unit = () => {
    const { width, height } = view.getBoundingClientRect();
    return Math.max(shown.width / width, shown.height / height) || 1;
  };
  const point = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const zoom = (factor, at = { x: shown.x + shown.width / 2, y: shown.y + shown.height / 2 }) => {
    const width = Math.min(Math.max(shown.width * factor, 120), all.width * 4);
    const real = width / shown.width;
    show({
      x: at.x - (at.x - shown.x) * real,
      y: at.y - (at.y - shown.y) * real,
      width,
      height: shown.height * real,
    });
  };
  const move = (x, y) => show({ ...shown, x: shown.x + x, y: shown.y + y });
  const center = (element) => {
    const box = element.getBBox();
    move(box.x + box.width / 2 - shown.x - shown.width / 2, box.y + box.height / 2 - shown.y - shown.height / 2);
  };
  // At first in its own size where it does not fit, from the top left corner.
  const start = () => {
    const { width, height } = view.getBoundingClientRect();
    show(all.width > width || all.height > height ? { x: all.x, y: all.y, width, height } : { ...all });
  };

  view.addEventListener('wheel', (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || !event.shiftKey && Math.abs(event.deltaY) > Math.abs(event.deltaX)) {
      zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 300), point(event));
    } else {
      move((event.deltaX || event.deltaY) * unit(), 0);
    }
  }, { passive: false });

  let drag = null;
  view.addEventListener('pointerdown', (event) => {
    if (event.button === 0) drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  window.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(x, y) < 4) return;
    const scale = unit();
    move(-x * scale, -y * scale);
    drag = { x: event.clientX, y: event.clientY, moved: true };
    view.classList.add('moving');
  });
  window.addEventListener('pointerup', (event) => {
    const moved = drag && drag.moved;
    drag = null;
    view.classList.remove('moving');
    if (moved || !view.contains(event.target)) return;
    const node = event.target.closest('.node');
    choose(node ? ids.get(node.id) : null);
  });
  window.addEventListener('pointercancel', () => { drag = null; });

  // What is chosen is in the address too, so that it can be sent to somebody.
  const addressed = () => {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return '';
    }
  };
  const choose = (id) => {
    if (addressed() !== (id || '')) history.replaceState(null, '', id ? `#${encodeURIComponent(id)}` : ' ');
    for (const old of svg.querySelectorAll('.chosen')) old.classList.remove('chosen');
    const node = nodes.get(id);
    panel.hidden = !node;
    panel.replaceChildren();
    if (!node) return;
    const element = drawn(node);
    if (element) element.classList.add('chosen');
    describe(node);
  };

  const make = (tag, text, ...children) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    element.append(...children);
    return element;
  };
  const name = (node) => {
    const object = `${node.kind} ${node.namespace ? `${node.namespace}/` : ''}${node.name}`;
    if (!node.part) return object;
    return node.part.port === undefined ? `${object}, rule ${node.part.rule}` : `${object}, port ${node.part.port}`;
  };
  const scope = ({ level, namespace, name, host, labels }) => {
    const what = name || host || labels;
    if (!what) return namespace ? `${level} ${namespace}` : level;
    return `${level} ${what}${namespace ? ` in ${namespace}` : ''}`;
  };
  const link = (id, why) => {
    const node = nodes.get(id);
    const anchor = make('a', name(node));
    anchor.href = `#${encodeURIComponent(id)}`;
    const item = make('li', '', anchor);
    if (why) {
      const reason = make('span', why);
      reason.className = 'why';
      item.append(reason);
    }
    return item;
  };
  const list = (title, items) => {
    if (items.length) panel.append(make('h2', title), make('ul', '', ...items));
  };

  const describe = (node) => {
    const close = make('button', '×');
    close.className = 'close';
    close.title = 'Close (Esc)';
    close.addEventListener('click', () => choose(null));
    const says = make('p', node.says);
    says.className = 'says';
    const facts = make('dl');
    const fact = (key, value) => { if (value) facts.append(make('dt', key), make('dd', value)); };
    fact('scope', scope(node.scope));
    fact('stage', node.stage);
    fact('standing', node.standing);
    fact('because', node.why);
    fact('at', `${node.file}:${node.line}:${node.column}`);
    panel.append(close, make('h1', name(node)), says, facts);
    if (node.of) list('Part of', [link(node.of)]);
    list('Rules and ports', data.nodes.filter((part) => part.of === node.id).map((part) => link(part.id, part.says)));
    const kinds = {
      overrides: ['Overrides', 'Overridden by'],
      'evaluated-before': ['Evaluated before', 'Evaluated after'],
      shadows: ['Shadows', 'Shadowed by'],
      contradicts: ['Contradicts', 'Contradicted by'],
    };
    for (const [kind, [to, from]] of Object.entries(kinds)) {
      const edges = data.edges.filter((edge) => edge.kind === kind);
      list(to, edges.filter((edge) => edge.from === node.id).map((edge) => link(edge.to, edge.why)));
      list(from, edges.filter((edge) => edge.to === node.id).map((edge) => link(edge.from, edge.why)));
    }
    panel.scrollTop = 0;
  };

  // Searching: every word must be found, in any order.
  const text = (node) =>
    [name(node), scope(node.scope), node.stage, node.standing, node.says, node.why, `${node.file}:${node.line}`]
      .join(' ')
      .toLowerCase();
  const texts = data.nodes.map((node) => [node, text(node)]);
  let found = [];
  let at = -1;
  const find = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const old of svg.querySelectorAll('.found')) old.classList.remove('found');
    found = words.length ? texts.filter(([, text]) => words.every((word) => text.includes(word))).map(([node]) => node) : [];
    at = -1;
    view.classList.toggle('searching', words.length > 0);
    for (const node of found) {
      const element = drawn(node);
      if (element) element.classList.add('found');
    }
    count.value = words.length ? `${found.length} of ${data.nodes.length}` : '';
  };
  const next = (step) => {
    if (!found.length) return;
    at = (at + step + found.length) % found.length;
    const node = found[at];
    count.value = `${at + 1} of ${found.length}`;
    choose(node.id);
    const element = drawn(node);
    if (element) center(element);
  };
  search.addEventListener('input', find);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') next(event.shiftKey ? -1 : 1);
  });

  window.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      search.value = '';
      find();
      choose(null);
      view.focus();
      return;
    }
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = shown.width / 12;
    const keys = {
      '/': () => search.focus(),
      '+': () => zoom(0.8),
      '=': () => zoom(0.8),
      '-': () => zoom(1.25),
      0: () => show({ ...all }),
      ArrowLeft: () => move(-step, 0),
      ArrowRight: () => move(step, 0),
      ArrowUp: () => move(0, -step),
      ArrowDown: () => move(0, step),
    };
    const key = keys[event.key];
    if (key) {
      event.preventDefault();
      key();
    }
  });
  document.getElementById('in').addEventListener('click', () => zoom(0.8));
  document.getElementById('out').addEventListener('click', () => zoom(1.25));
  document.getElementById('fit').addEventListener('click', () => show({ ...all }));

  const follow = () => {
    const id = addressed();
    choose(nodes.has(id) ? id : null);
    const node = nodes.get(id);
    const element = node && drawn(node);
    if (element) center(element);
  };
  window.addEventListener('hashchange', follow);
  start();
  follow();
})();
