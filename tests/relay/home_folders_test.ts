/** Where a program's files are, by system and environment. @module */
import assert from "node:assert/strict";
import { relayDataDir } from "../../relay/config.ts";
import { type FolderKind, programFolder, systemFolders } from "../../relay/config/home_folders.ts";

type Variables = Record<string, string>;
const asker = (env: Variables) => (name: string) => env[name];

const ada = { HOME: "/home/ada" };
const mac = { HOME: "/Users/ada" };
const support = "/Users/ada/Library/Application Support";
const windows = {
  USERPROFILE: "C:\\Users\\ada",
  APPDATA: "C:\\Users\\ada\\AppData\\Roaming",
  LOCALAPPDATA: "D:\\Local",
};

const rows: [os: string, env: Variables, kind: FolderKind, folder: string][] = [
  ["linux", ada, "config", "/home/ada/.config/qight"],
  ["linux", ada, "data", "/home/ada/.local/share/qight"],
  ["linux", ada, "state", "/home/ada/.local/state/qight"],
  ["linux", ada, "cache", "/home/ada/.cache/qight"],
  ["freebsd", ada, "config", "/home/ada/.config/qight"],
  ["linux", { ...ada, XDG_CONFIG_HOME: "/c" }, "config", "/c/qight"],
  ["linux", { ...ada, XDG_DATA_HOME: "/x" }, "data", "/x/qight"],
  ["linux", { XDG_STATE_HOME: "/s" }, "state", "/s/qight"],
  ["linux", { ...ada, XDG_CACHE_HOME: "/k" }, "cache", "/k/qight"],
  ["linux", { ...ada, XDG_DATA_HOME: "relative" }, "data", "/home/ada/.local/share/qight"],
  ["linux", { ...ada, APPDATA: "/wine" }, "config", "/home/ada/.config/qight"],
  ["darwin", mac, "config", `${support}/qight`],
  ["darwin", mac, "data", `${support}/qight`],
  ["darwin", mac, "state", `${support}/qight/state`],
  ["darwin", mac, "cache", "/Users/ada/Library/Caches/qight"],
  ["darwin", { ...mac, XDG_CONFIG_HOME: "/c" }, "config", "/c/qight"],
  ["darwin", { ...mac, XDG_STATE_HOME: "/s" }, "state", "/s/qight"],
  ["windows", windows, "config", "C:\\Users\\ada\\AppData\\Roaming\\qight"],
  ["windows", windows, "data", "D:\\Local\\qight"],
  ["windows", windows, "state", "D:\\Local\\qight\\state"],
  ["windows", windows, "cache", "D:\\Local\\qight\\cache"],
  ["windows", { USERPROFILE: "C:\\Users\\ada" }, "config", "C:\\Users\\ada\\AppData\\Roaming\\qight"],
  ["windows", { USERPROFILE: "C:\\Users\\ada" }, "data", "C:\\Users\\ada\\AppData\\Local\\qight"],
  ["windows", { ...windows, XDG_DATA_HOME: "E:\\x" }, "data", "E:\\x\\qight"],
  ["windows", { ...windows, XDG_DATA_HOME: "x" }, "data", "D:\\Local\\qight"],
];
for (const [os, env, kind, folder] of rows) {
  Deno.test(`${os} with ${Object.keys(env).join(", ")}: ${kind} files are in ${folder}`, () => {
    assert.equal(programFolder("qight", kind, os, asker(env)), folder);
  });
}

const shared: [os: string, env: Variables, folders: string[]][] = [
  ["linux", {}, ["/etc/xdg/qight", "/etc/qight"]],
  ["linux", { XDG_CONFIG_DIRS: "/a:relative:/b" }, ["/a/qight", "/b/qight", "/etc/qight"]],
  ["darwin", {}, ["/etc/xdg/qight", "/Library/Application Support/qight", "/etc/qight"]],
  ["windows", { PROGRAMDATA: "C:\\ProgramData" }, ["C:\\ProgramData\\qight"]],
  ["windows", {}, []],
];
for (const [os, env, folders] of shared) {
  Deno.test(`${os} with ${Object.values(env).join() || "nothing set"}: files for all users are in ${folders}`, () => {
    assert.deepEqual(systemFolders("qight", os, asker(env)), folders);
  });
}

for (const os of ["linux", "darwin", "windows"]) {
  Deno.test(`${os} without a home: the error names the variables to set`, () => {
    assert.throws(() => programFolder("qight", "data", os, asker({})), { code: "config", message: /XDG_DATA_HOME/ });
  });
}

Deno.test("the relay's own folder follows the same habits", () => {
  const at = (os: string, env: Variables) => relayDataDir({ env, root: false, os });
  assert.equal(at("darwin", mac), `${support}/qight-relay`);
  assert.equal(at("windows", windows), "D:\\Local\\qight-relay");
  assert.equal(at("linux", { ...ada, XDG_DATA_HOME: "" }), "/home/ada/.local/share/qight-relay");
});
