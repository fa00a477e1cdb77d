// The conversation on the screen: what is confirmed, in order, then what is on
// its way. It only redraws rows that changed.

import { make, place } from "./element.js";

const GROUP = 5 * 60_000; // one author's messages within this time stand together

export function thread({ say }, drawer, { onOlder, onOlderShown, onTap }) {
  const list = make("div.list");
  const head = make("div.head");
  const log = make("div.log", { role: "log", "aria-live": "off", tabindex: "0", "aria-label": say("conversation") }, head, list);
  const known = new Map(); // id -> message
  const drawn = new Map(); // row -> {mark, el}
  let order = [], more = false, loading = false, atEnd = true;

  const earlier = (a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.id < b.id ? -1 : 1);

  function add(messages) {
    for (const m of messages) known.set(m.id, m);
    order = [...known.values()].sort(earlier);
  }

  function keep(id, mark, build) {
    const old = drawn.get(id);
    if (old?.mark === mark) return old.el;
    const el = build();
    drawn.set(id, { mark, el });
    return el;
  }

  // What the last message offers can be tapped, until something else is said.
  function offered(message) {
    if (!message?.choices?.length || message.type === "unsent") return null;
    const mark = JSON.stringify(message.choices);
    return keep("choices " + message.id, mark, () => {
      const group = make("div.choices", { role: "group", "aria-label": say("choices") });
      const all = message.choices.map((c) => make("button.choice", { type: "button", dir: "auto", onclick: async () => {
        for (const b of all) b.disabled = true;
        if (await onTap(c.data)) return;
        for (const b of all) b.disabled = false;
      } }, c.label));
      group.append(...all);
      return group;
    });
  }

  function draw(drafts, actions) {
    const nodes = [];
    let day = "", before = null;
    order.forEach((m, i) => {
      const today = new Date(m.at).toDateString();
      if (today !== day) {
        const name = drawer.day(m.at);
        nodes.push(keep("day " + today, name, () => make("p.day", {}, make("span", {}, name))));
        before = null;
      }
      day = today;
      const next = order[i + 1];
      const first = !before || !together(before, m);
      const last = !next || !together(m, next);
      before = m;
      nodes.push(keep(m.id, JSON.stringify([m, first, last]), () => drawer.row(m, { first, last })));
    });
    const choices = drafts.length ? null : offered(order.at(-1));
    if (choices) nodes.push(choices);
    for (const item of drafts) {
      const el = keep(item.key, item.state + item.why, () => drawer.draft(item, actions(item)));
      drawer.progress(el, item);
      nodes.push(el);
    }
    place(list, nodes);
    stay();
  }

  const together = (a, b) => a.from === b.from && a.author === b.author
    && Math.abs(new Date(b.at) - new Date(a.at)) < GROUP && new Date(a.at).toDateString() === new Date(b.at).toDateString();

  function stay() {
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  // Older messages go in above without moving what she reads.
  async function older() {
    if (!more || loading || !order.length) return;
    loading = true;
    const waiting = make("p.quiet", { role: "status" }, say("older"));
    head.append(waiting);
    const from = log.scrollHeight - log.scrollTop;
    try {
      const page = await onOlder(order[0].id);
      more = page.more;
      add(page.messages);
      waiting.remove();
      onOlderShown();
      log.scrollTop = log.scrollHeight - from;
    } catch {
      waiting.remove(); // scrolling again asks again
    }
    loading = false;
  }

  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    if (log.scrollTop < 120) older();
    log.dispatchEvent(new CustomEvent("position", { detail: atEnd }));
  }, { passive: true });
  list.addEventListener("load", stay, true);
  new ResizeObserver(stay).observe(log);

  return {
    log,
    head,
    draw,
    add,
    /** begin takes the newest page of history, forgetting everything else when asked to. */
    begin(messages, hasMore, { forget }) {
      if (forget) {
        known.clear();
        drawn.clear();
        list.replaceChildren();
      }
      if (forget || !order.length) more = hasMore;
      add(messages);
    },
    has: (id) => known.has(id),
    change(id, change) {
      const m = known.get(id);
      if (m) add([{ ...m, ...change }]);
    },
    get messages() { return order; },
    get atEnd() { return atEnd; },
    toEnd() {
      atEnd = true;
      stay();
    },
  };
}
