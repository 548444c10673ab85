/**
 * `qight relay` whose clock jumps eight days ahead at SIGUSR2 and whose minute of housekeeping comes then: a week of waiting
 * for messages to expire is a signal here. `relay_ahead.ts FLAGS…` (a process of its own).
 * @module
 */
import { runCommand } from "../../../cli/run.ts";
import "./leaping_clock.ts";

Deno.exit(await runCommand(["relay", ...Deno.args]));
