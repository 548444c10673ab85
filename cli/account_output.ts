/** The own account at a relay as people and scripts see it. @module */
import type { ShownAccount } from "../client/account_calls.ts";

/** The JSON form; fields are only ever added. `devices`: how many the account lists. */
export function accountFields(shown: ShownAccount, id: string, devices: number) {
  const named = shown.name !== "";
  return {
    name: named ? shown.name : null,
    id,
    devices,
    signed_in: named ? shown.sessions : null,
    registered_at: dateOf(shown.registeredAtMs),
    recovery_codes: shown.recoveryCodes,
    recovery_made_at: dateOf(shown.recoveryMadeAtMs),
  };
}

/** The same in lines; `more`: the command that makes recovery codes. */
export function accountText(shown: ShownAccount, id: string, devices: number, more: string): string {
  const named = shown.name !== "";
  const codes = shown.recoveryMadeAtMs === 0 ? `none: ${more} makes them` : `${shown.recoveryCodes} left`;
  return [
    ...(named ? [`name     ${shown.name}`] : []),
    `id       ${id}`,
    `devices  ${devices}${named ? `, ${shown.sessions} signed in` : ""}`,
    `codes    ${codes}`,
  ].join("\n");
}

function dateOf(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}
