/** `qight relay report list`: what people showed to the operator. @module */
import { escapeLine } from "../escape.ts";
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

interface Report {
  readonly id: string;
  readonly at: string;
  readonly accused: string;
  readonly reason: string;
}

/** Prints one line for each report, the oldest first; asks in pages, since there may be thousands. */
export async function run({ settings, out }: Call): Promise<void> {
  let after = "";
  for (let page = await ask(); page.length > 0; page = await ask()) {
    for (const report of page) {
      await out.result(report, `${report.id}  ${report.at}  ${report.accused}  ${escapeLine(report.reason)}`.trimEnd());
      after = report.id;
    }
  }

  async function ask(): Promise<Report[]> {
    return await askRelay(settings, "report.list", after === "" ? {} : { after }) as Report[];
  }
}
