/** `qight relay account list`: the names at this relay. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

interface Row {
  readonly name: string;
  readonly id: string;
  readonly registered_at: string;
  readonly state: string;
}

/** Prints one line for each name, in order; asks in pages, since a relay may have many. */
export async function run({ settings, out }: Call): Promise<void> {
  let after = "";
  for (let page = await ask(); page.length > 0; page = await ask()) {
    for (const row of page) {
      const closed = row.state === "open" ? "" : `  ${row.state}`;
      await out.result(row, `${row.name}  ${row.id}  ${row.registered_at}${closed}`);
      after = row.name;
    }
  }

  async function ask(): Promise<Row[]> {
    return await askRelay(settings, "account.list", after === "" ? {} : { after }) as Row[];
  }
}
