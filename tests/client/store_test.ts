/** The encrypted store, shared by several processes. @module */
import assert from "node:assert/strict";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { openStore } from "./person.ts";

const LINEAGE = new Uint8Array(8).fill(1);
const DEVICE = new Uint8Array(32).fill(2);

async function withPath(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/store.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("two handles on one store never give a counter twice", () =>
  withPath(async (path) => {
    await using one = await openStore(path);
    await using two = await openStore(path);
    const given: number[] = [];
    for (let i = 0; i < 100; i++) {
      given.push(await (i % 3 === 0 ? two : one).write(({ counters }) => counters.next(LINEAGE, DEVICE)));
    }
    assert.deepEqual(given, Array.from({ length: 100 }, (_, i) => i + 1));
  }));

Deno.test("processes that write at the same time never give a counter twice", () =>
  withPath(async (path) => {
    await (await openStore(path))[Symbol.asyncDispose]();
    const program = `
      import { openStore } from ${JSON.stringify(new URL("./person.ts", import.meta.url).href)};
      await using store = await openStore(${JSON.stringify(path)});
      const given = [];
      for (let i = 0; i < 60; i++) {
        // Awaiting inside the transaction is what sealing does.
        given.push(await store.write(async ({ counters, meta }) => {
          meta.get("made"); // what is read must still be true when it is written
          await new Promise((resolve) => setTimeout(resolve, 0));
          return counters.next(new Uint8Array(8).fill(1), new Uint8Array(32).fill(2));
        }));
      }
      console.log(JSON.stringify(given));`;
    const processes = [1, 2, 3].map(() =>
      new Deno.Command(Deno.execPath(), {
        args: ["eval", "--ext=ts", "--config", new URL("../../deno.json", import.meta.url).pathname, program],
        stdout: "piped",
        stderr: "piped",
      }).output()
    );
    const given = (await Promise.all(processes)).flatMap(({ stdout, stderr, success }) => {
      assert.ok(success, new TextDecoder().decode(stderr));
      return JSON.parse(new TextDecoder().decode(stdout)) as number[];
    });
    assert.deepEqual(given.toSorted((a, b) => a - b), Array.from({ length: 180 }, (_, i) => i + 1));
  }));

Deno.test("work that throws leaves nothing, and the next work goes on", () =>
  withPath(async (path) => {
    await using store = await openStore(path);
    await assert.rejects(
      store.write(async ({ counters, meta }) => {
        counters.next(LINEAGE, DEVICE);
        meta.put("half", Uint8Array.of(1));
        await Promise.resolve();
        throw new Error("sealing failed");
      }),
      /sealing failed/,
    );
    assert.equal(await store.read(({ meta }) => meta.get("half")), null);
    assert.equal(await store.write(({ counters }) => counters.next(LINEAGE, DEVICE)), 1);
  }));

Deno.test("the file is private and holds nothing readable, and another key does not open it", () =>
  withPath(async (path) => {
    const secret = new TextEncoder().encode("very private words");
    {
      await using store = await openStore(path);
      await store.write(({ meta }) => meta.put("note", secret));
    }
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    for (const suffix of ["", "-wal"]) {
      const bytes = await Deno.readFile(path + suffix).catch(() => new Uint8Array(0));
      assert.equal(new TextDecoder("latin1").decode(bytes).includes("private words"), false);
      assert.equal(new TextDecoder("latin1").decode(bytes.subarray(0, 16)).startsWith("SQLite"), false);
    }
    await assert.rejects(async () => await openSqliteStore({ path, key: new Uint8Array(32) }), {
      code: "store_damaged",
    });
    await using store = await openStore(path);
    assert.deepEqual(await store.read(({ meta }) => meta.get("note")), secret);
  }));

Deno.test("unreadable bytes stay below their limit, the oldest go first", () =>
  withPath(async (path) => {
    await using store = await openStore(path);
    await store.write(({ unreadable }) => {
      for (let seq = 1; seq <= 5; seq++) {
        unreadable.add({ seq, receivedAtMs: 0, reason: "malformed", bytes: new Uint8Array(100) }, seq, 250);
      }
    });
    assert.deepEqual(await store.read(({ unreadable }) => unreadable.all().map(({ seq }) => seq)), [4, 5]);
  }));

Deno.test("void numbers are listed until a message that listed them is accepted", () =>
  withPath(async (path) => {
    await using store = await openStore(path);
    await store.write(({ counters }) => {
      counters.addVoid(LINEAGE, DEVICE, 1);
      assert.deepEqual(counters.listVoids(LINEAGE, DEVICE, 2, 10), [1]);
      counters.addVoid(LINEAGE, DEVICE, 2); // the message that listed 1 was refused
      assert.deepEqual(counters.listVoids(LINEAGE, DEVICE, 3, 10), [1, 2]);
      counters.addVoid(LINEAGE, DEVICE, 4); // refused while 3 was under way
      counters.forgetVoids(LINEAGE, DEVICE, 3);
      assert.deepEqual(counters.listVoids(LINEAGE, DEVICE, 5, 10), [4]);
    });
  }));

Deno.test("opening a store that is up to date writes nothing to the disk", () =>
  withPath(async (path) => {
    await (await openStore(path))[Symbol.asyncDispose]();
    const before = Deno.readFileSync(path);
    await using store = await openStore(path);
    await store.read(({ contacts }) => contacts.all());
    assert.equal(Deno.statSync(`${path}-wal`).size, 0, "a commit would stand in the log, and would have been synced");
    assert.deepEqual(Deno.readFileSync(path), before);
  }));
