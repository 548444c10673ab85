/**
 * Blocks an account here and, where that can be had, at the relay, which then takes nothing from it for this account.
 * @module
 */
import { asQightError, type QightError } from "../proto/errors.ts";
import { ModerationService } from "../proto/gen/qight/v1/moderation_pb.ts";
import type { RelayClient } from "./relay_client.ts";

/**
 * Tells the relay that this account blocks another one (hash), or does not any more. Answers null, or why the relay does not
 * know it: the block counts here all the same.
 */
export async function tellBlock(
  connect: () => Promise<Pick<RelayClient, "rpc">>,
  account: Uint8Array,
  blocked: boolean,
): Promise<QightError | null> {
  try {
    const { rpc } = await connect();
    await rpc.unary(ModerationService.method.block, { account, blocked });
    return null;
  } catch (thrown) {
    const error = asQightError(thrown);
    // Who wants to end it ends it; everything else is about the relay alone.
    if (error.code === "interrupted" || error.code === "terminated" || error.code === "internal") throw error;
    return error;
  }
}
