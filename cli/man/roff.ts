/** Text and sections in roff with the macros of man(7), such that groff and mandoc have nothing to say. @module */

/** Plain text: every character shows as itself, dashes as those that one types. */
export function roffText(text: string): string {
  return text.replaceAll("\\", "\\(rs").replaceAll("-", "\\-").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha").replaceAll("~", "\\(ti").replaceAll('"', "\\(dq")
    .replace(/[\u0080-\u{10ffff}]/gu, (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase()}]`)
    // A dot at the start of a line would be a request.
    .replace(/^\./gm, "\\&.");
}

/** Text in bold. */
export function bold(text: string): string {
  return `\\fB${roffText(text)}\\fR`;
}

/** Text in which `code` is bold. */
export function richText(text: string): string {
  return text.split("`").map((part, index) => index % 2 ? bold(part) : roffText(part)).join("");
}

/** Options and arguments as people read them: names bold, values in italics. */
export function synopsisText(text: string): string {
  return text.split(/(<[^>]+>|\[[^\]]+\]|\s)/).map((part) => {
    if (/^[<[]/.test(part)) return `\\fI${roffText(part.replace(/^<|>$/g, ""))}\\fR`;
    return /^\s*$/.test(part) ? part : bold(part);
  }).join("");
}

/** A section with its lines; nothing when there are none. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH "${roffText(title)}"`, ...lines];
}

/** A paragraph. */
export function paragraph(text: string): string[] {
  return [".PP", richText(text)];
}

/** A term and what it means, the text already in roff. */
export function term(head: string, text: string): string[] {
  return [".TP", head, text];
}

/** Lines to type, as they are. */
export function typed(lines: readonly string[]): string[] {
  return [".PP", ".nf", ".RS", ...lines.map(roffText), ".RE", ".fi"];
}
