// Where a row of the inbox stands. Pure: rows are given as their data attributes.

// order compares two rows as the server does (conversation/inbox.go).
export function order(a, b) {
  const wa = Number(a.waiting), wb = Number(b.waiting);
  if ((wa > 0) !== (wb > 0)) return wa > 0 ? -1 : 1;
  if (wa > 0) return wa - wb || (a.thread < b.thread ? -1 : 1);
  return Number(b.last) - Number(a.last) || (a.thread > b.thread ? -1 : 1);
}

// belongs tells whether a row stands in a box.
export function belongs(row, { box, closed, me }) {
  const ended = row.closed === "true";
  if (closed === "true") return ended;
  if (box === "mine") return !ended && row.by === me;
  if (box === "unassigned") return !ended && row.by === "";
  return true;
}
