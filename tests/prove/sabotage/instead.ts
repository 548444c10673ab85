/**
 * Puts lies in the place of some methods of a store.
 * @module
 */

/** A store, or a part of one, with some of its methods replaced. */
export function instead<T extends object>(store: T, lies: Partial<T>): T {
  return new Proxy(store, {
    get(target, name) {
      const owner = Reflect.has(lies, name) ? lies : target;
      const value = Reflect.get(owner, name);
      return typeof value === "function" ? value.bind(owner) : value;
    },
  });
}
