/** Lines that two writers send to one reader while something happens to the relay between them. @module */
import type { Follower } from "../follower.ts";
import type { LineSender, Load } from "../line_sender.ts";
import { type Crowd, until } from "./crowd.ts";

/** The two senders and the reader, until `finish`. */
export class Traffic {
  private constructor(readonly lines: readonly LineSender[], readonly follower: Follower) {}

  /** Begins it; each writer has the whole load. */
  static async through(crowd: Crowd, load: Load): Promise<Traffic> {
    const reader = await crowd.member("reader");
    const writers = [await crowd.member("writer-1"), await crowd.member("writer-2")];
    const follower = crowd.follow(reader);
    return new Traffic(writers.map((writer) => crowd.lines(writer, reader.id, load)), follower);
  }

  /** Ends the senders, lets the reader show what was accepted, and ends it; answers what was wrong with any of them. */
  async finish(): Promise<string[]> {
    const wrong = (await Promise.all(this.lines.map((sender) => sender.finish(60_000)))).flat();
    const sent = this.lines.reduce((sum, sender) => sum + sender.acknowledged, 0);
    await until(() => this.follower.shown >= sent, 45_000);
    return [...wrong, ...await this.follower.finish()];
  }
}
