/** What few chats need, loaded when it is first wanted. @module */
import { lateModule } from "../late_module.ts";

/** Invites, their words and their cryptography. */
export function loadInvites(): Promise<typeof import("./invites.ts")> {
  return lateModule("repl/invites.ts");
}

/** Blocks and reports, which the relay hears of. */
export function loadModeration(): Promise<typeof import("./moderation.ts")> {
  return lateModule("repl/moderation.ts");
}

/** The own account, its devices and its recovery codes. */
export function loadAccount(): Promise<typeof import("./account.ts")> {
  return lateModule("repl/account.ts");
}

/** The checks of `qight doctor`. */
export function loadDoctor(): Promise<typeof import("../doctor/diagnose.ts")> {
  return lateModule("doctor/diagnose.ts");
}
