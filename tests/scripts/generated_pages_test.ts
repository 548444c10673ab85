/** The pages made from the command tree and from the names of tests are fresh, and say what they are made from. @module */
import assert from "node:assert/strict";
import { placesOf } from "../../cli/completion/places.ts";
import { tree } from "../../cli/tree/tree.ts";
import { commandsPage } from "../../scripts/commands_page.ts";
import { expectations } from "../../scripts/expectations.ts";
import { allProofs, expectationsPage, missingRows, proofsIn } from "../../scripts/expectations_page.ts";

const root = new URL("../../", import.meta.url);
const proofs = await allProofs(root);

/** The only rows that may wait, wholly or in part. */
const MAY_WAIT = [42, 43];

const fresh: readonly (readonly [string, string])[] = [
  ["commands.md", commandsPage()],
  ["expectations.md", expectationsPage(proofs)],
];
for (const [name, text] of fresh) {
  Deno.test(`docs/${name} is what deno task gen makes`, async () => {
    assert.equal(await Deno.readTextFile(new URL(`docs/${name}`, root)), text);
  });
}

Deno.test("the page of commands has every command and option of the tree, and no hidden option", () => {
  const page = commandsPage();
  for (const { path, flags } of placesOf(tree)) {
    assert.ok(path === "" || page.includes(`# qight ${path}\n`), path);
    for (const name of flags.flatMap(({ names }) => names)) assert.ok(page.includes(name), `${path} ${name}`);
  }
  assert.ok(!page.includes("--words"));
});

Deno.test("links of the page of commands lead to its headings", () => {
  const page = commandsPage();
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)];
  assert.ok(links.length > 0, "there are none");
  for (const [, target] of links) {
    assert.ok(page.includes(`\n## ${target.replace("-", " ")}\n`), target);
  }
});

Deno.test("there are fifty expectations, and only those that may wait do", () => {
  assert.equal(expectations.length, 50);
  const waiting = expectations.flatMap(({ waitsFor }, index) => waitsFor ? [index + 1] : []);
  assert.deepEqual(waiting, MAY_WAIT);
  for (const { row, file } of proofs) assert.ok(row >= 1 && row <= 50, `${file}: expectation ${row}`);
});

Deno.test("every expectation that may not wait has a test that names it", () => {
  assert.deepEqual(missingRows(proofs), []);
});

Deno.test("names of tests are found in all quotes, and a row without one is said to be missing", () => {
  // In two parts, so that this file does not claim to prove what it only reads.
  const e = "expec" + "tation";
  const found = proofsIn("tests/a_test.ts", `"${e} 2: a \\"b\\"" \`${e} 41: \${x} does\` '${e} 7: c' "an ${e} 9: d"`);
  assert.deepEqual(found.map(({ row, name }) => [row, name]), [[2, 'a "b"'], [41, "… does"], [7, "c"]]);
  assert.ok(!missingRows(found).includes(41) && missingRows(found).includes(1) && !missingRows(found).includes(42));
  const page = expectationsPage(found);
  assert.match(page, /^\| 1 \| .* \| no test yet \|$/m);
  assert.match(page, /^\| 42 \| .* \| waits for the daemon \|$/m);
  assert.match(page, /^Without a test so far: 1, 3, /m);
});
