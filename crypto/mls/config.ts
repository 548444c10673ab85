/** What every leaf of qight can do, and how ts-mls is told to behave. @module */
import type { Capabilities, CiphersuiteName, ClientConfig, Extension } from "ts-mls";
import { credentialIsValid, readCredential } from "./credential.ts";
import { encodeGroupData, GROUP_DATA_EXTENSION, type GroupDataFields, openGroupData } from "./group_data.ts";
import { loadedLibrary } from "./library.ts";
import { refused } from "./refuse.ts";
import { equal } from "../equal.ts";

/** Marks a KeyPackage that may be used more than once (draft-ietf-mls-extensions, last_resort). */
export const LAST_RESORT_EXTENSION = 10;
/** Most members of a group: the relay's limit of devices on a roster. */
export const MAX_MEMBERS = 1000;
/** Largest commit, Welcome, GroupInfo, in bytes. */
export const MAX_HANDSHAKE_BYTES = 4 * 1024 * 1024;
/** Largest KeyPackage, in bytes (about 2.8 KB is usual). */
export const MAX_KEY_PACKAGE_BYTES = 8192;
/** Largest message, in bytes: the largest padding class and what MLS adds. */
export const MAX_MESSAGE_BYTES = 262_144 + 1024;

/** ts-mls's settings. Lifetimes are checked here, against a clock that is handed in; ts-mls asks the machine's. */
export const clientConfig: ClientConfig = {
  keyRetentionConfig: { retainKeysForGenerations: 16, retainKeysForEpochs: 4, maximumForwardRatchetSteps: 2000 },
  lifetimeConfig: { maximumTotalLifetime: 90n * 86_400n, validateLifetimeOnReceive: false },
  // One leaf for each device; ts-mls would compare leaf keys, which are new with each KeyPackage.
  keyPackageEqualityConfig: {
    compareKeyPackages: (a, b) => sameDevice(a.leafNode.credential, b.leafNode.credential),
    compareKeyPackageToLeafNode: (a, b) => sameDevice(a.leafNode.credential, b.credential),
  },
  // Content is padded to the classes of crypto/padding.ts before it gets here.
  paddingConfig: { kind: "alwaysPad", paddingLength: 0 },
  authService: { validateCredential: credentialIsValid },
};

/** What a leaf says that it can do. */
export function capabilitiesOf(suite: CiphersuiteName): Capabilities {
  return {
    versions: ["mls10"],
    ciphersuites: [suite],
    extensions: [GROUP_DATA_EXTENSION, LAST_RESORT_EXTENSION],
    proposals: [],
    credentials: ["basic"],
  };
}

/** The extensions of a GroupContext: what a leaf must be able to do, and the group's data. */
export function contextExtensions(data: GroupDataFields): Extension[] {
  return [
    { extensionType: "required_capabilities", extensionData: requiredCapabilities() },
    { extensionType: GROUP_DATA_EXTENSION, extensionData: encodeGroupData(data) },
  ];
}

/** The group's data in the extensions of a GroupContext, which must be exactly ours; throws `bad_group_message`. */
export function dataOfContext(extensions: readonly Extension[]): GroupDataFields {
  const [required, data] = extensions;
  if (
    extensions.length !== 2 || required.extensionType !== "required_capabilities" ||
    data.extensionType !== GROUP_DATA_EXTENSION || !equal(required.extensionData, requiredCapabilities())
  ) {
    throw refused("its group's extensions are not of qight");
  }
  return openGroupData(data.extensionData);
}

function requiredCapabilities(): Uint8Array {
  return loadedLibrary().encodeRequiredCapabilities({
    extensionTypes: [GROUP_DATA_EXTENSION],
    proposalTypes: [],
    credentialTypes: ["basic"],
  });
}

function sameDevice(a: Parameters<typeof readCredential>[0], b: Parameters<typeof readCredential>[0]): boolean {
  return equal(readCredential(a).device, readCredential(b).device);
}
