/**
 * The working group's vectors (suite 1) through our provider, our ratchets, our tree check and the parts of ts-mls that
 * crypto/mls/ is built from.
 * @module
 */
import assert from "node:assert/strict";
import { decodeAuthenticatedContent } from "ts-mls/authenticatedContent.js";
import { joinGroup, makePskIndex } from "ts-mls/clientState.js";
import { refhash } from "ts-mls/crypto/hash.js";
import { decryptWithLabel, encryptWithLabel } from "ts-mls/crypto/hpke.js";
import { deriveSecret, deriveTreeSecret, expandWithLabel } from "ts-mls/crypto/kdf.js";
import { signWithLabel, verifyWithLabel } from "ts-mls/crypto/signature.js";
import { createConfirmationTag } from "ts-mls/framedContent.js";
import { encodeGroupContext } from "ts-mls/groupContext.js";
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import { acceptAll } from "ts-mls/incomingMessageAction.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { initializeEpoch, mlsExporter } from "ts-mls/keySchedule.js";
import { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
import { protectApplicationData, unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { processMessage } from "ts-mls/processMessages.js";
import { decodeRatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree, deriveKey, deriveNonce } from "ts-mls/secretTree.js";
import { expandSenderDataKey, expandSenderDataNonce } from "ts-mls/sender.js";
import { createConfirmedHash, createInterimHash } from "ts-mls/transcriptHash.js";
import { leafWidth, left, nodeWidth, parent, right, root, sibling, toNodeIndex } from "ts-mls/treemath.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import type { ClientConfig, ClientState, MLSMessage } from "ts-mls";
import { fromHex, hex } from "../../crypto/hex.ts";
import { clientConfig } from "../../crypto/mls/config.ts";
import { functionsOf } from "../../crypto/mls/provider.ts";
import { freshRatchets, takeGeneration } from "../../crypto/mls/ratchets.ts";
import { checkHashes, checkPlaces } from "../../crypto/mls/tree_check.ts";
import { equal } from "../../crypto/equal.ts";
import { readVectors, vectorTest } from "./vectors.ts";

const suite = await functionsOf(1);
const { kdf, hash, hpke, signature } = suite;

/** Vectors have credentials of their own; everything else is as qight runs it. */
const lenient: ClientConfig = {
  ...clientConfig,
  authService: { validateCredential: () => Promise.resolve(true) },
  keyPackageEqualityConfig: {
    compareKeyPackages: (a, b) => equal(a.leafNode.signaturePublicKey, b.leafNode.signaturePublicKey),
    compareKeyPackageToLeafNode: (a, b) => equal(a.leafNode.signaturePublicKey, b.signaturePublicKey),
  },
};

function messageOf(text: string): MLSMessage {
  const bytes = fromHex(text);
  const [message, consumed] = decodeMlsMessage(bytes, 0)!;
  assert.equal(consumed, bytes.length);
  assert.deepEqual(encodeMlsMessage(message), bytes);
  return message;
}

function wire<K extends MLSMessage["wireformat"]>(text: string, kind: K): Extract<MLSMessage, { wireformat: K }> {
  const message = messageOf(text);
  assert.equal(message.wireformat, kind);
  return message as Extract<MLSMessage, { wireformat: K }>;
}

vectorTest("MLS vectors: crypto-basics", async () => {
  for (const v of readVectors("mls/crypto-basics.json")) {
    const { ref_hash, expand_with_label: e, derive_secret: d, derive_tree_secret: t } = v;
    assert.equal(hex(await refhash(ref_hash.label, fromHex(ref_hash.value), hash)), ref_hash.out);
    const expanded = await expandWithLabel(fromHex(e.secret), e.label, fromHex(e.context), e.length, kdf);
    assert.equal(hex(expanded), e.out);
    assert.equal(hex(await deriveSecret(fromHex(d.secret), d.label, kdf)), d.out);
    const secret = await deriveTreeSecret(fromHex(t.secret), t.label, t.generation, t.length, kdf);
    assert.equal(hex(secret), t.out);
    const { sign_with_label: s, encrypt_with_label: c } = v;
    const content = fromHex(s.content);
    assert.ok(await verifyWithLabel(fromHex(s.pub), s.label, content, fromHex(s.signature), signature));
    assert.equal(hex(await signWithLabel(fromHex(s.priv), s.label, content, signature)), s.signature);
    const key = await hpke.importPrivateKey(fromHex(c.priv));
    const context = fromHex(c.context);
    const plain = await decryptWithLabel(key, c.label, context, fromHex(c.kem_output), fromHex(c.ciphertext), hpke);
    assert.equal(hex(plain), c.plaintext);
    const made = await encryptWithLabel(await hpke.importPublicKey(fromHex(c.pub)), c.label, context, plain, hpke);
    assert.equal(hex(await decryptWithLabel(key, c.label, context, made.enc, made.ct, hpke)), c.plaintext);
  }
});

vectorTest("MLS vectors: key-schedule", async () => {
  for (const v of readVectors("mls/key-schedule.json")) {
    let initSecret = fromHex(v.initial_init_secret);
    for (const [epoch, e] of v.epochs.entries()) {
      const context = {
        version: "mls10" as const,
        cipherSuite: suite.name,
        groupId: fromHex(v.group_id),
        epoch: BigInt(epoch),
        treeHash: fromHex(e.tree_hash),
        confirmedTranscriptHash: fromHex(e.confirmed_transcript_hash),
        extensions: [],
      };
      assert.equal(hex(encodeGroupContext(context)), e.group_context);
      const made = await initializeEpoch(initSecret, fromHex(e.commit_secret), context, fromHex(e.psk_secret), kdf);
      const { keySchedule: k } = made;
      assert.deepEqual(
        [made.joinerSecret, made.welcomeSecret, made.encryptionSecret, k.initSecret, k.senderDataSecret].map(hex),
        [e.joiner_secret, e.welcome_secret, e.encryption_secret, e.init_secret, e.sender_data_secret],
      );
      assert.deepEqual(
        [k.exporterSecret, k.epochAuthenticator, k.externalSecret, k.confirmationKey].map(hex),
        [e.exporter_secret, e.epoch_authenticator, e.external_secret, e.confirmation_key],
      );
      assert.deepEqual([k.membershipKey, k.resumptionPsk].map(hex), [e.membership_key, e.resumption_psk]);
      const { publicKey } = await hpke.deriveKeyPair(k.externalSecret);
      assert.equal(hex(await hpke.exportPublicKey(publicKey)), e.external_pub);
      const { label, context: about, length, secret } = e.exporter;
      assert.equal(hex(await mlsExporter(k.exporterSecret, label, fromHex(about), length, suite)), secret);
      initSecret = k.initSecret as typeof initSecret;
    }
  }
});

vectorTest("MLS vectors: secret-tree, by our ratchets, also with generations skipped", async () => {
  for (const v of readVectors("mls/secret-tree.json")) {
    const { sender_data: s } = v;
    const ciphertext = fromHex(s.ciphertext);
    const senderSecret = fromHex(s.sender_data_secret);
    assert.equal(hex(await expandSenderDataKey(suite, senderSecret, ciphertext)), s.key);
    assert.equal(hex(await expandSenderDataNonce(suite, senderSecret, ciphertext)), s.nonce);
    const secret = fromHex(v.encryption_secret);
    const nodes = v.leaves.length * 2 - 1;
    const tree = await freshRatchets(nodes, secret, suite, () => true);
    const theirs = await createSecretTree(v.leaves.length, secret, kdf);
    for (let leaf = 0; leaf < v.leaves.length; leaf++) assert.deepEqual(tree[leaf * 2], theirs[leaf * 2]);
    for (const [leaf, generations] of v.leaves.entries()) {
      let { application, handshake } = tree[leaf * 2];
      for (const g of generations) {
        const one = await takeGeneration(application, g.generation, suite);
        const other = await takeGeneration(handshake, g.generation, suite);
        assert.equal(hex(await deriveKey(one.secret, g.generation, suite)), g.application_key);
        assert.equal(hex(await deriveNonce(one.secret, g.generation, suite)), g.application_nonce);
        assert.equal(hex(await deriveKey(other.secret, g.generation, suite)), g.handshake_key);
        assert.equal(hex(await deriveNonce(other.secret, g.generation, suite)), g.handshake_nonce);
        [application, handshake] = [one.next, other.next];
      }
    }
  }
});

vectorTest("MLS vectors: message-protection", async () => {
  for (const v of readVectors("mls/message-protection.json")) {
    const context = {
      version: "mls10" as const,
      cipherSuite: suite.name,
      groupId: fromHex(v.group_id),
      epoch: BigInt(v.epoch),
      treeHash: fromHex(v.tree_hash),
      confirmedTranscriptHash: fromHex(v.confirmed_transcript_hash),
      extensions: [],
    };
    const key = fromHex(v.signature_pub);
    const senderSecret = fromHex(v.sender_data_secret);
    const secrets = await createSecretTree(2, fromHex(v.encryption_secret), kdf);
    const open = async (text: string) => {
      const { privateMessage } = wire(text, "mls_private_message");
      const retention = clientConfig.keyRetentionConfig;
      return (await unprotectPrivateMessage(senderSecret, privateMessage, secrets, [], context, retention, suite, key))
        .content.content;
    };
    const application = await open(v.application_priv);
    assert.ok(application.contentType === "application");
    assert.equal(hex(application.applicationData), v.application);
    assert.equal((await open(v.proposal_priv)).contentType, "proposal");
    assert.equal((await open(v.commit_priv)).contentType, "commit");
    for (const [text, kind] of [[v.proposal_pub, "proposal"], [v.commit_pub, "commit"]]) {
      const { publicMessage } = wire(text, "mls_public_message");
      const opened = await unprotectPublicMessage(fromHex(v.membership_key), context, [], publicMessage, suite, key);
      assert.equal(opened.content.contentType, kind);
    }
    const sealed = await protectApplicationData(
      fromHex(v.signature_priv),
      senderSecret,
      fromHex(v.application),
      new Uint8Array(0),
      context,
      secrets,
      1,
      clientConfig.paddingConfig,
      suite,
    );
    const message = { version: "mls10" as const, wireformat: "mls_private_message" as const, ...sealed };
    const again = await open(hex(encodeMlsMessage(message)));
    assert.ok(again.contentType === "application");
    assert.equal(hex(again.applicationData), v.application);
  }
});

vectorTest("MLS vectors: transcript-hashes", async () => {
  for (const v of readVectors("mls/transcript-hashes.json")) {
    const [{ wireformat, content, auth }] = decodeAuthenticatedContent(fromHex(v.authenticated_content), 0)!;
    assert.ok(content.contentType === "commit" && auth.contentType === "commit");
    const input = { wireformat, content, signature: auth.signature };
    const confirmed = await createConfirmedHash(fromHex(v.interim_transcript_hash_before), input, hash);
    assert.equal(hex(confirmed), v.confirmed_transcript_hash_after);
    assert.deepEqual(await createConfirmationTag(fromHex(v.confirmation_key), confirmed, hash), auth.confirmationTag);
    assert.equal(hex(await createInterimHash(confirmed, auth.confirmationTag, hash)), v.interim_transcript_hash_after);
  }
});

vectorTest("MLS vectors: tree-math", () => {
  for (const v of readVectors("mls/tree-math.json")) {
    assert.equal(nodeWidth(v.n_leaves), v.n_nodes);
    assert.equal(leafWidth(v.n_nodes), v.n_leaves);
    assert.equal(root(v.n_leaves), v.root);
    for (let at = 0; at < v.n_nodes; at++) {
      const node = toNodeIndex(at);
      if (v.left[at] !== null) assert.deepEqual([left(node), right(node)], [v.left[at], v.right[at]]);
      if (v.parent[at] === null) continue;
      assert.deepEqual([parent(node, v.n_leaves), sibling(node, v.n_leaves)], [v.parent[at], v.sibling[at]]);
    }
  }
});

vectorTest("MLS vectors: welcome", async () => {
  for (const v of readVectors("mls/welcome.json")) {
    const { keyPackage } = wire(v.key_package, "mls_key_package");
    const { welcome } = wire(v.welcome, "mls_welcome");
    const ref = await makeKeyPackageRef(keyPackage, hash);
    const secrets = await decryptGroupSecrets(await hpke.importPrivateKey(fromHex(v.init_priv)), ref, welcome, hpke);
    const noPsk = new Uint8Array(kdf.size);
    const info = await decryptGroupInfo(welcome, secrets!.joinerSecret, noPsk, suite);
    assert.ok(await verifyGroupInfoSignature(info!, fromHex(v.signer_pub), signature));
    assert.ok(await verifyGroupInfoConfirmationTag(info!, secrets!.joinerSecret, noPsk, suite));
  }
});

for (const file of ["passive-client-welcome", "passive-client-handling-commit"]) {
  vectorTest(`MLS vectors: ${file}; our tree check takes every tree of it`, async () => {
    for (const v of readVectors(`mls/${file}.json`)) {
      const { keyPackage } = wire(v.key_package, "mls_key_package");
      const { welcome } = wire(v.welcome, "mls_welcome");
      const keys = {
        initPrivateKey: fromHex(v.init_priv),
        hpkePrivateKey: fromHex(v.encryption_priv),
        signaturePrivateKey: fromHex(v.signature_priv),
      };
      const psks: Record<string, Uint8Array> = Object.fromEntries(
        v.external_psks.map((p: { psk_id: string; psk: string }) => [fromHex(p.psk_id).toBase64(), fromHex(p.psk)]),
      );
      const tree = v.ratchet_tree === null ? undefined : decodeRatchetTree(fromHex(v.ratchet_tree), 0)![0];
      const index = makePskIndex(undefined, psks);
      let state = await joinGroup(welcome, keyPackage, keys, index, suite, tree, undefined, lenient);
      await assertEpoch(state, v.initial_epoch_authenticator);
      for (const epoch of v.epochs) {
        for (const bytes of [...epoch.proposals, epoch.commit]) {
          const message = messageOf(bytes);
          assert.ok(message.wireformat === "mls_public_message" || message.wireformat === "mls_private_message");
          const result = await processMessage(message, state, makePskIndex(state, psks), acceptAll, suite);
          assert.ok(result.kind === "newState");
          state = result.newState;
        }
        await assertEpoch(state, epoch.epoch_authenticator);
      }
    }
  });
}

async function assertEpoch(state: ClientState, authenticator: string): Promise<void> {
  assert.equal(hex(state.keySchedule.epochAuthenticator), authenticator);
  checkPlaces(state.ratchetTree);
  await checkHashes(state.ratchetTree, state.groupContext.treeHash, suite);
}
