// Text that somebody else wrote, cut into plain pieces and web addresses.

// An address ends at a space, a quote or East Asian punctuation.
const address = /https?:\/\/[^\s<>"'\u3000-\u303f\uff00-\uff0f\uff1a-\uff20]+/gi;

/** pieces cuts a text: strings, and {href} where an address stands. */
export function pieces(text) {
  const out = [];
  let done = 0;
  for (const hit of text.matchAll(address)) {
    const href = trimmed(hit[0]);
    if (!webAddress(href)) continue;
    if (hit.index > done) out.push(text.slice(done, hit.index));
    out.push({ href });
    done = hit.index + href.length;
  }
  if (done < text.length) out.push(text.slice(done));
  return out;
}

// The full stop after an address belongs to the sentence; so does a closing
// bracket that was not opened inside it.
function trimmed(found) {
  let href = found;
  for (;;) {
    const last = href.at(-1);
    const count = (c) => href.split(c).length;
    const loose = (last === ")" && count(")") > count("(")) || (last === "]" && count("]") > count("["));
    if (!loose && !".,;:!?".includes(last)) return href;
    href = href.slice(0, -1);
  }
}

/** ownPage says whether an address is of her own page, signed and longer than a bubble is wide. */
export function ownPage(href, house) {
  const { origin, pathname } = new URL(href);
  return origin === house && /^\/my\/[^/]+$/.test(pathname);
}

/** webAddress gives the absolute address, or "" for one that could run code. */
export function webAddress(url, base) {
  if (!url) return "";
  try {
    const parsed = new URL(url, base);
    return ["http:", "https:", "blob:"].includes(parsed.protocol) ? parsed.href : "";
  } catch {
    return "";
  }
}
