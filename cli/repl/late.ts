/** What few chats need, loaded when it is first wanted. @module */
import { lateModule } from "../late_module.ts";

/** Invites, their words and their cryptography. */
export function loadInvites(): Promise<typeof import("./invites.ts")> {
  return lateModule("repl/invites.ts");
}

/** The checks of `qight doctor`. */
export function loadDoctor(): Promise<typeof import("../doctor/diagnose.ts")> {
  return lateModule("doctor/diagnose.ts");
}
