/** The beginning of a group: one member, epoch 0. @module */
import { clientConfig, contextExtensions } from "./config.ts";
import type { LeafOwner } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import { GROUP_ID_BYTES, groupInfoOf } from "./group_info.ts";
import { generate, MAX_LIFETIME_MS } from "./key_package.ts";
import { library } from "./library.ts";
import { functionsOf } from "./provider.ts";
import { refused } from "./refuse.ts";
import { fromClientState, type GroupState } from "./state.ts";
import type { MlsSuite } from "./suite.ts";

/** What a new group is. */
export interface NewGroup {
  readonly suite: MlsSuite;
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  readonly owner: LeafOwner;
  readonly data: GroupDataFields;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Begins a group whose only member is the owner's device; throws `bad_group_message` for data that cannot be. */
export async function createGroup(
  { suite, group, owner, data, nowMs }: NewGroup,
): Promise<{ state: GroupState; groupInfo: Uint8Array }> {
  if (group.length !== GROUP_ID_BYTES) throw refused("a group id has 32 bytes");
  const functions = await functionsOf(suite);
  const { createGroup: create } = await library();
  const terms = { notBeforeMs: nowMs, notAfterMs: nowMs + MAX_LIFETIME_MS, lastResort: false };
  const { publicPackage, privatePackage } = await generate(functions, owner, terms);
  const extensions = contextExtensions(data);
  const client = await create(group.slice(), publicPackage, privatePackage, extensions, functions, clientConfig);
  const state = fromClientState(suite, client, []);
  return { state, groupInfo: await groupInfoOf(state) };
}
