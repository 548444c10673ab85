/** Contents that do something to lines instead of saying something. @module */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Content, ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";

type Action = NonNullable<MessageInitShape<typeof ContentSchema>["action"]>;
type ValueOf<Case> = Extract<Action, { case: Case }> extends { value: infer Value } ? Value : never;

/** A content with that action. */
export function actionContent<Case extends "reaction" | "edit" | "deletion">(
  name: Case,
  value: ValueOf<Case>,
): Content {
  return create(ContentSchema, { action: { case: name, value } as Action });
}
