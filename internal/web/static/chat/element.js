// Building the page without markup from strings.

const drawings = {
  send: "M4 12 20 4.5 15.5 20 11.5 13z",
  clip: "m19 11.5-7.3 7.3a4.6 4.6 0 0 1-6.5-6.5l7.8-7.8a3 3 0 0 1 4.3 4.3l-7.7 7.7a1.5 1.5 0 0 1-2.1-2.1l7-7",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.5 14c1.7 2.6 5.3 2.6 7 0M9.2 9.5v.6M14.8 9.5v.6",
  close: "m6 6 12 12M18 6 6 18",
  down: "m6 9.5 6 6 6-6",
  file: "M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4",
  check: "m5 12.5 4.5 4.500L19 7.5",
  people: "M9 5.2a3.3 3.3 0 1 0 0 6.6 3.3 3.300 0 0 0 0-6.6zM3 19.500c.3-3.4 2.5-5.300 6-5.300s5.700 1.900 6 5.300M15.500 5.500a3.300 3.300 0 0 1 0 6M17.500 14.600c2.100.7 3.300 2.400 3.500 4.900",
  pin: "M12 21c-4.5-5-6.5-8-6.5-11a6.5 6.5 0 0 1 13 0c0 3-2 6-6.5 11zM12 7.7a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6z",
};

/** make builds an element: make("p.quiet", {id: "x"}, child, "text"). */
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const el = document.createElement(tag);
  if (classes.length) el.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (value === true) el.setAttribute(name, "");
    else if (value !== false && value != null) el.setAttribute(name, value);
  }
  el.append(...children.filter((c) => c != null));
  return el;
}

/** icon draws one of the line drawings above. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon icon-" + name);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", drawings[name]);
  svg.append(path);
  return svg;
}

/**
 * place moves only what is not where it belongs, so that focus and players stay.
 * What goes, goes first: a button that stays must not leave the page for a moment,
 * or the tap that is on it is lost.
 */
export function place(parent, nodes) {
  const stays = new Set(nodes);
  for (const child of [...parent.children]) if (!stays.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}
