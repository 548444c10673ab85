/** `qight key delete`: the key and the messages of this device are gone. @module */
import { openIdentity, readPublicHalf, storePath } from "../identity.ts";
import { QightError } from "../../proto/errors.ts";
import type { Call } from "../tree/spec.ts";
import { wantYes } from "../yes.ts";

/** Deletes key file, public half and store after a yes. */
export async function run({ settings, out }: Call): Promise<void> {
  const identity = await openIdentity(settings, out);
  const { id } = identity.account;
  await wantYes(settings, {
    question: `Delete ${id} at ${identity.path} and its messages for ever? Type yes: `,
    needs: "Deleting a key needs a yes",
    refused: "Nothing was deleted",
  });
  const store = storePath(settings.dataDir, identity.device.publicKey);
  const half = await readPublicHalf(identity.path);
  const files = [identity.path, ...(half ? [`${identity.path}.pub`] : []), store, `${store}-wal`, `${store}-shm`];
  for (const path of files) await removeIfThere(path);
  await out.result({ id, deleted: true }, id);
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new QightError("io", `Cannot delete ${path}: ${(error as Error).message}`, { cause: error });
  }
}
