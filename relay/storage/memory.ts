// Stand-in for integration until the real one is here; overwritten by the storage author.
// deno-lint-ignore-file
import type { Store, StoreLimits } from "./store.ts";
export function openMemoryStore({ limits }: { limits: StoreLimits; path?: string; now?: () => number }): Store {
  const boxes = new Map<string, any>(), bundles = new Map<string, any>(), owner = new Map<string, any>(), keys = new Map<string, any>(), toks: any[] = [], allow = new Map<string, any>();
  let commits = 0;
  return {
    durable: false, failed: new Promise<never>(() => {}), limits,
    async enqueue(m) {
      const b = boxes.get(m.recipient.toHex());
      if (!b) return { kind: "no_such_recipient" };
      const k = m.sender.toHex() + m.id.toHex();
      const d = b.dedup.get(k);
      if (d) return d.h === m.bodyHash.toHex() ? { kind: "duplicate", seq: d.seq, expiresAtMs: d.e } : { kind: "id_conflict" };
      if (b.m.size >= limits.maxQueue) return { kind: "queue_full", messages: b.m.size, bytes: 0 };
      const seq = b.next++;
      b.dedup.set(k, { h: m.bodyHash.toHex(), seq, e: m.expiresAtMs });
      b.m.set(seq, { seq, receivedAtMs: m.receivedAtMs, expiresAtMs: m.expiresAtMs, envelope: m.envelope.slice() });
      commits++;
      return { kind: "stored", seq, expiresAtMs: m.expiresAtMs };
    },
    async fetch(mb, after, max, _b, now) {
      const b = boxes.get(mb.toHex());
      if (!b) return { messages: [], expired: [], lastSeq: 0 };
      const messages: any[] = [], expired: any[] = [];
      for (const x of b.m.values()) {
        if (x.seq <= after) continue;
        if (x.expiresAtMs <= now) { const l = expired.at(-1); if (l && l.last === x.seq - 1) l.last = x.seq; else expired.push({ first: x.seq, last: x.seq }); continue; }
        if (messages.length >= max) break;
        messages.push(x);
      }
      return { messages, expired, lastSeq: b.next - 1 };
    },
    async acknowledge(mb, ranges) { const b = boxes.get(mb.toHex()); let n = 0; for (const r of ranges) for (const s of [...b.m.keys()]) if (s >= r.first && s <= r.last && b.m.delete(s)) n++; return n; },
    async room(mb) { const b = boxes.get(mb.toHex()); return b ? { messages: b.m.size, bytes: 0 } : null; },
    async collect() { return { expired: 0, tombstones: 0 }; },
    async putBundle(b, v) { const k = b.account.toHex(); const old = bundles.get(k); if ((old?.version ?? 0) !== v) return "version_conflict"; bundles.set(k, b); for (const d of b.devices) { owner.set(d.toHex(), b); if (!boxes.has(d.toHex())) boxes.set(d.toHex(), { next: 1, m: new Map(), dedup: new Map() }); } return "stored"; },
    async bundleOfAccount(a) { return bundles.get(a.toHex()) ?? null; },
    async bundleOfDevice(a) { return owner.get(a.toHex()) ?? null; },
    async putSealingKey(k) { const o = keys.get(k.device.toHex()); if (o && o.createdAtMs > k.createdAtMs) return false; keys.set(k.device.toHex(), k); return true; },
    async sealingKeys(ds) { return ds.map((d) => keys.get(d.toHex())).filter(Boolean); },
    async putToken(t) { toks.push(t); }, async tokens() { return toks; },
    async deleteToken(i) { const n = toks.findIndex((t) => t.id === i || t.name === i); if (n < 0) return false; toks.splice(n, 1); return true; },
    async allowAccount(account, note) { allow.set(account.toHex(), { account, note }); }, async allowedAccounts() { return [...allow.values()]; },
    async disallowAccount(a) { return allow.delete(a.toHex()); },
    async stats() { return { messages: 0, bytes: 0, mailboxes: boxes.size, accounts: bundles.size, commits, fileBytes: 0 }; },
    async backup() {}, async check() { return []; }, async [Symbol.asyncDispose]() {},
  } as Store;
}
