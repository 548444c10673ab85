/** What few chats need, loaded when it is first wanted; a computed name keeps Deno from reading it before. @module */

/** Invites, their words and their cryptography. */
export function loadInvites(): Promise<typeof import("./invites.ts")> {
  return load("./invites.ts");
}

/** The checks of `qight doctor`. */
export function loadDoctor(): Promise<typeof import("../doctor/diagnose.ts")> {
  return load("../doctor/diagnose.ts");
}

async function load<T>(module: string): Promise<T> {
  return await import(new URL(module, import.meta.url).href);
}
