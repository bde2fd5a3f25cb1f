const PREFIX = 'quick-commerce:';

const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

/**
 * The browser's storage under names of our own: `localhost:8080` is many projects' address, and another
 * GraphiQL's tabs must not take the place of ours.
 */
export const storage = {
  getItem: (key) => localStorage.getItem(PREFIX + key),
  setItem: (key, value) => localStorage.setItem(PREFIX + key, value),
  removeItem: (key) => localStorage.removeItem(PREFIX + key),
  get length() {
    return keys().length;
  },
  clear: () => keys().forEach((key) => localStorage.removeItem(key)),
};
