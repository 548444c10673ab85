/** Two people in tmux who type at the same time: a real terminal emulator draws what they see. @module */
import assert from "node:assert/strict";
import { cliArguments, type Person, World } from "./harness.ts";

const hasTmux = new Deno.Command("sh", { args: ["-c", "command -v tmux"], stdout: "null" }).outputSync().success;

/** One tmux server with a pane for each person. */
class Tmux implements AsyncDisposable {
  readonly #socket: string;

  constructor(folder: string) {
    this.#socket = `${folder}/tmux`;
  }

  /**
   * A person's chat in a pane of its own, which says at the end what the chat ended with. Its shell says it, not tmux: when
   * two panes end at the same moment tmux 3.3a now and then leaves both as zombies, whatever ran in them (16 of 40 pairs of
   * `cat`), and never shows "Pane is dead".
   */
  async open(name: string, person: Person, args: readonly string[]): Promise<void> {
    const words = [Deno.execPath(), ...cliArguments(), ...args].map((word) => `'${word}'`).join(" ");
    const env = Object.entries(person.env).map(([key, value]) => `${key}='${value}'`).join(" ");
    const chat = `cd '${person.home}' && env -i ${env} TERM=screen ${words}`;
    const command = `${chat}; echo "ended with $?"; exec cat`;
    await this.#run("-f", "/dev/null", "new-session", "-d", "-s", name, "-x", "72", "-y", "20", command);
  }

  async type(name: string, ...typed: string[]): Promise<void> {
    await this.#run("send-keys", "-t", name, ...typed);
  }

  /** What stands in the pane now, and where its cursor is. */
  async look(name: string): Promise<{ text: string; column: number }> {
    const text = (await this.#run("capture-pane", "-p", "-t", name)).trimEnd();
    return { text, column: Number(await this.#run("display-message", "-p", "-t", name, "#{cursor_x}")) };
  }

  /** Looks until the pane has a match. */
  async seen(name: string, pattern: RegExp): Promise<string> {
    for (let looks = 0; looks < 5_000; looks++) {
      const { text } = await this.look(name);
      if (pattern.test(text)) return text;
    }
    throw new Error(`${name} never saw ${pattern}: ${(await this.look(name)).text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run("kill-server");
  }

  async #run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("tmux", { args: ["-S", this.#socket, ...args] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  }
}

Deno.test({
  name: "two people in tmux type at the same time, and neither loses a letter" + (hasTmux ? "" : " (no tmux)"),
  ignore: !hasTmux,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using world = new World();
    const relay = await world.relay();
    const [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay)));
    await ada.ok(["contact", "add", "bob", bob.id]);
    await bob.ok(["contact", "add", "ada", ada.id]);
    await using tmux = new Tmux(world.folder);
    await Promise.all([
      tmux.open("ada", ada, ["repl", "--with", "bob"]),
      tmux.open("bob", bob, ["chat", "--with", "ada"]),
    ]);
    await Promise.all([tmux.seen("ada", /^to bob>/m), tmux.seen("bob", /^to ada>/m)]);

    // Bob is in the middle of a long line while Ada sends, and the other way round.
    await tmux.type("bob", "this is a long line of mine that goes on over the edge of the screen, and on");
    await tmux.type("bob", "C-a");
    for (const text of ["one", "two", "three"]) await tmux.type("ada", text, "Enter");
    await tmux.type("ada", "half a li");
    const withLines = await tmux.seen("bob", /ada {2}one\n.*ada {2}two\n.*ada {2}three\nto ada> this is/);
    assert.match(
      withLines.replaceAll("\n", ""),
      /to ada> this is a long line of mine .*over the edge of the screen, and on$/,
    );
    assert.equal((await tmux.look("bob")).column, "to ada> ".length, "the cursor is where ^A put it");
    await tmux.type("bob", "No: ", "C-e", "!", "Enter");
    await tmux.seen("ada", /bob {2}No: this is a long line/);
    assert.match((await tmux.look("ada")).text, /^to bob> half a li$/m);
    await tmux.type("ada", "ne", "Enter");
    await tmux.seen("bob", /ada {2}half a line\nto ada>$/);

    // Both end while the last message is still being acknowledged and settled.
    await Promise.all([tmux.type("ada", "C-d"), tmux.type("bob", "C-d")]);
    await Promise.all([tmux.seen("ada", /^ended with 0$/m), tmux.seen("bob", /^ended with 0$/m)]);
  },
});
