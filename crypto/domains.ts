/**
 * Every domain that keeps bytes made for one purpose from counting for another: what is signed, hashed or derived
 * starts with its own `"qight <what> v1\0"`. One table, so that no two are alike.
 * @module
 */

const encoder = new TextEncoder();

/** The domains, as the bytes that go in front (or into HKDF's info). A domain is never reused for another layout. */
export const domains = {
  /** Account hash: SHA-256 over the domain and both public keys. */
  account: encoder.encode("qight account v1\0"),
  /** HKDF info: account seed to Ed25519 seed. */
  accountEd25519: encoder.encode("qight account ed25519 v1\0"),
  /** HKDF info: account seed to ML-DSA-65 seed. */
  accountMlDsa65: encoder.encode("qight account ml-dsa-65 v1\0"),
  /** Both signatures of a bundle. */
  bundle: encoder.encode("qight bundle v1\0"),
  /** A listed device's word for a newer bundle: over SHA-256 of it. */
  bundleVoucher: encoder.encode("qight bundle voucher v1\0"),
  /** Both signatures on the end of an account. */
  accountEnd: encoder.encode("qight account end v1\0"),
  /** A device's signature on its sealing key. */
  sealingKey: encoder.encode("qight sealing key v1\0"),
  /** A device's signature on an envelope body. */
  envelope: encoder.encode("qight envelope v1\0"),
  /** HPKE info of a sealed payload. */
  seal: encoder.encode("qight seal v1\0"),
  /** A device's proof to a relay. */
  session: encoder.encode("qight session v1\0"),
  /** A signature on a person's own bytes (`key sign`). */
  message: encoder.encode("qight message v1\0"),
  /** A relay's signature on a tree of accepted messages. */
  receipt: encoder.encode("qight receipt v1\0"),
  /** HKDF info: an invite's secret to its locator. */
  inviteLocator: encoder.encode("qight invite locator v1\0"),
  /** HKDF info: an invite's secret to the key of its record. */
  inviteSeal: encoder.encode("qight invite seal v1\0"),
  /** HKDF info: an invite's secret to the key of its answer. */
  inviteMac: encoder.encode("qight invite mac v1\0"),
  /** The MAC of an invite's answer. */
  inviteAccept: encoder.encode("qight invite accept v1\0"),
  /** The message id of an invite's answer. */
  inviteMessage: encoder.encode("qight invite message v1\0"),
  /** HKDF info: a link code's secret to its locator. */
  linkLocator: encoder.encode("qight link locator v1\0"),
  /** HKDF info: a link code's secret to the key of its records. */
  linkSeal: encoder.encode("qight link seal v1\0"),
  /** A new device's signature on its offer. */
  linkOffer: encoder.encode("qight link offer v1\0"),
  /** An old device's signature on its answer. */
  linkAnswer: encoder.encode("qight link answer v1\0"),
  /** HPKE info of what the new device gets. */
  link: encoder.encode("qight link v1\0"),
  /** HKDF info: a recovery code's secret to its locator. */
  recoveryLocator: encoder.encode("qight recovery locator v1\0"),
  /** HKDF info: a recovery code's secret to the key that wraps the data key. */
  recoveryWrap: encoder.encode("qight recovery wrap v1\0"),
  /** HKDF info: the account seed to the data key, under which the recovery bundle is sealed. */
  recoveryData: encoder.encode("qight recovery data v1\0"),
  /** Associated data of a sealed recovery bundle. */
  recoverySeal: encoder.encode("qight recovery seal v1\0"),
  /** HKDF info: the relay's root seed to the key of its OPAQUE setup. */
  opaqueSetup: encoder.encode("qight opaque setup v1\0"),
  /** What an envelope commits to: SHA-256 over the domain, the franking key (32) and the serialized content. */
  franking: encoder.encode("qight franking v1\0"),
  /** A device's signature on the signature key of an MLS leaf. */
  mlsLeaf: encoder.encode("qight mls leaf v1\0"),
  /** Group id of a direct conversation: SHA-256 over the domain and both account hashes in byte order. */
  directGroup: encoder.encode("qight direct v1\0"),
  /** What members compare of an epoch: SHA-256 over the domain and the epoch authenticator, 16 bytes of it. */
  epochTag: encoder.encode("qight epoch v1\0"),
  /** What the safety number hashes. */
  safety: encoder.encode("qight safety v1\0"),
  /** Link of a transcript's line: SHA-256 over the domain, the link before, the number (u32) and the line. */
  transcriptLine: encoder.encode("qight transcript line v1\0"),
  /** A device's signature on the last link of a transcript. */
  transcript: encoder.encode("qight transcript v1\0"),
  /** First bytes of a vault. */
  vault: encoder.encode("qight vault v1\0"),
} as const;
