/** Keeps remote text from steering a terminal: control and bidi characters become visible. @module */

// C0 but tab and newline, DEL, C1, and every character that changes direction or line
// (Unicode TR #36 §2.3 bidi, U+2028/9 line separators, U+FEFF invisible mark).
// deno-lint-ignore no-control-regex
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Human text with steering characters written as `\u001b`; tab and newline stay. */
export function escapeControls(text: string): string {
  return text.replace(steering, asUnicodeEscape);
}

/** One line of human text: newlines become visible too. */
export function escapeLine(text: string): string {
  return escapeControls(text).replace(/\n/g, "\\u000a");
}

/** JSON on one line whose values are kept exactly and whose bytes steer no terminal. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(steering, asUnicodeEscape);
}

function asUnicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
