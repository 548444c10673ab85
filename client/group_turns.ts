/** Where among messages it is told what happened to groups: nobody seems to speak after he left. @module */
import type { GroupEvent } from "./groups.ts";
import type { InboxEvent } from "./inbox_events.ts";
import type { InboxOptions } from "./inbox_options.ts";

/**
 * A page, and what happened to groups where the relay took it in. What happened counts as told when the caller asks for
 * more, and after a mere look (`peek`) it does not. Answers what was told for good.
 */
export async function* inTurn(
  { groups, store, onGroups }: Pick<InboxOptions, "groups" | "store" | "onGroups">,
  page: readonly InboxEvent[],
  peek: boolean,
): AsyncGenerator<InboxEvent[], readonly GroupEvent[], undefined> {
  const happened = await groups?.events() ?? [];
  let from = 0;
  for (let next = 0; next < happened.length;) {
    const to = turnOf(happened[next], page, from);
    const told: GroupEvent[] = [];
    while (next < happened.length && turnOf(happened[next], page, to) === to) told.push(happened[next++]);
    if (to > from) yield page.slice(from, to);
    yield told;
    from = to;
    if (peek) continue;
    await store.write((tables) => {
      groups!.shown(tables, told);
      onGroups?.(tables, told);
    });
  }
  if (from < page.length) yield page.slice(from);
  return peek ? [] : happened;
}

/** Before which event of a page something that happened to a group is told: the first that came later, from `from` on. */
function turnOf({ happened, atMs }: GroupEvent, page: readonly InboxEvent[], from: number): number {
  if (happened.kind === "joined") return from;
  const later = page.findIndex((event, at) =>
    at >= from && (event.type === "message" || event.type === "action") && event.receivedAtMs > atMs
  );
  return later < 0 ? page.length : later;
}
