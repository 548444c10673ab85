/** Names of accounts: what is one, and which are too alike. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { foldName, nameSkeleton, readName } from "../../crypto/account_name.ts";

const refused = (thrown: unknown) => (thrown as { code?: string }).code === "bad_name";

Deno.test("these are names, in lower case", () => {
  const rows = [["ada", "ada"], ["Ada", "ada"], ["ADA.Lovelace", "ada.lovelace"], ["a1b2", "a1b2"], [
    "x-y_z.0",
    "x-y_z.0",
  ]];
  for (const [written, folded] of rows) assert.equal(foldName(written), folded);
  assert.equal(foldName("a".repeat(32)), "a".repeat(32));
});

Deno.test("these are none", () => {
  const rows = [
    "",
    "ab",
    "a".repeat(33),
    "1ada",
    ".ada",
    "ada.",
    "ada-",
    "a..b",
    "a.-b",
    "ad a",
    "ada\n",
    "adä",
    "аdа",
    "ada​",
  ];
  // Characters that lower-case to ASCII: the Kelvin sign and the dotted capital I.
  for (const name of [...rows, "\u212Aate", "\u0130van", "a/b", "a@b", "a:b", "__proto__"]) {
    assert.throws(() => foldName(name), refused, JSON.stringify(name));
    assert.throws(() => readName(name), refused, JSON.stringify(name));
  }
});

Deno.test("names that sound like the operator, or begin like an id, nobody gets; looking one up finds nobody", () => {
  const rows = [
    "admin",
    "Root",
    "r00t",
    "re.lay",
    "postrnaster",
    "he1p",
    "a11",
    "se1f",
    "everyone",
    "qightbot",
    "q.ight",
    "qid1abc",
  ];
  for (const name of rows) {
    assert.throws(() => foldName(name), refused, name);
    assert.equal(readName(name), name.toLowerCase());
  }
});

Deno.test("names that look alike are one to a relay, others are not", () => {
  const alike = [["bob", "b0b"], ["paul", "pau1"], ["armin", "arrnin"], ["william", "vvilliam"], ["vvv1", "wvl"], [
    "adalovelace",
    "ada.love-lace",
  ]];
  for (const [one, other] of alike) assert.equal(nameSkeleton(one), nameSkeleton(other), `${one} and ${other}`);
  for (const [one, other] of [["ada", "adam"], ["bob", "bobo"], ["ana", "anna"]]) {
    assert.notEqual(nameSkeleton(one), nameSkeleton(other));
  }
});

Deno.test("property: every name that is taken folds to itself, and its skeleton stays the same whatever is alike", () => {
  const letters = fc.string({ unit: fc.constantFrom(..."abmnorvw01l._-"), minLength: 3, maxLength: 32 });
  fc.assert(fc.property(letters, (text) => {
    let folded: string;
    try {
      folded = foldName(text);
    } catch (thrown) {
      return refused(thrown);
    }
    assert.equal(foldName(folded.toUpperCase()), folded);
    const other = folded.replaceAll("o", "0").replaceAll("l", "1").replaceAll("m", "rn").replaceAll("w", "vv");
    return nameSkeleton(other) === nameSkeleton(folded);
  }));
});
