/**
 * Invents the people of a bench and makes its envelopes. `prepare.ts FOLDER SENDERS COUNT` (a process of its own).
 * @module
 */
import { readPool, writePool } from "./envelopes.ts";
import { inventPeople, readPeople } from "./people.ts";

const [folder, senders, count] = Deno.args;
inventPeople(`${folder}/people.json`, Number(senders));
const started = performance.now();
await writePool(`${folder}/pool`, await readPeople(`${folder}/people.json`), Number(count));
const perSecond = Number(count) * 1000 / (performance.now() - started);
console.log(JSON.stringify({ perSecond, bytes: readPool(`${folder}/pool`)[0].length }));
