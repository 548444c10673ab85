/** Reads ustar archives by the book (IEEE 1003.1 pax), strictly: what a tool might forgive is a failure here. @module */
import assert from "node:assert/strict";

/** A member of an archive. */
export interface Member {
  readonly path: string;
  readonly type: "file" | "folder";
  readonly mode: number;
  readonly owner: number;
  readonly bytes: Uint8Array;
}

/** All members, in order. */
export function readTar(archive: Uint8Array): Member[] {
  const members: Member[] = [];
  let at = 0;
  const text = (from: number, length: number) => {
    const field = archive.subarray(at + from, at + from + length);
    const end = field.indexOf(0);
    return new TextDecoder("utf-8", { fatal: true }).decode(end === -1 ? field : field.subarray(0, end));
  };
  const number = (from: number, length: number) => {
    const digits = text(from, length).trim();
    assert.match(digits, /^[0-7]+$/);
    return parseInt(digits, 8);
  };
  assert.equal(archive.length % 10_240, 0, "whole records");
  while (archive[at] !== 0) {
    assert.equal(text(257, 6), "ustar");
    const header = archive.slice(at, at + 512).fill(0x20, 148, 156);
    assert.equal(number(148, 8), header.reduce((sum, byte) => sum + byte, 0), "checksum of the header");
    assert.equal(number(136, 12), 0, "time");
    const owner = number(108, 8);
    assert.equal(number(116, 8), owner, "group");
    const prefix = text(345, 155);
    const path = (prefix === "" ? "" : `${prefix}/`) + text(0, 100);
    const type = text(156, 1);
    assert.ok(type === "0" || type === "5", `${path} is of type ${type}`);
    assert.equal(type === "5", path.endsWith("/"), path);
    const size = number(124, 12);
    const bytes = archive.subarray(at + 512, at + 512 + size);
    members.push({ path, type: type === "5" ? "folder" : "file", mode: number(100, 8), owner, bytes });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  assert.ok(archive.length - at >= 1024 && archive.subarray(at).every((byte) => byte === 0), "two empty blocks");
  assert.equal(new Set(members.map(({ path }) => path)).size, members.length, "no name twice");
  return members;
}
