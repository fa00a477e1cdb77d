// localStorage where the browser allows it, else memory: a frame in somebody
// else's page may be denied any.

const memory = new Map();

function attempt(act, otherwise) {
  try {
    return act(localStorage);
  } catch {
    return otherwise();
  }
}

export const store = {
  get: (key) => attempt((s) => s.getItem(key), () => memory.get(key) ?? null),
  set: (key, value) => attempt((s) => s.setItem(key, value), () => memory.set(key, value)),
  remove(key) {
    memory.delete(key);
    attempt((s) => s.removeItem(key), () => {});
  },
  keys: () => [...memory.keys(), ...attempt((s) => Object.keys(s), () => [])],
};
