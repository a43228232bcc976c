// Certificates are pinned at first use, and a change is refused before anything is sent.

import { expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "../../src/client.ts";
import { KnownServers, knownServersPath } from "../../src/client/known-servers.ts";
import { makeFolder } from "./files.ts";
import { startPeer } from "./peer.ts";

const pin = (hex: string) => Uint8Array.fromHex(hex.repeat(32));

test("a server never met is new, then known, and changed when it shows another one", async () => {
  const path = join(await makeFolder(), "chatfusion", "known_servers");
  const first = await KnownServers.load(path);
  expect(first.compare("paris:7331", pin("aa"))).toEqual({ kind: "new" });
  await first.remember("paris:7331", pin("aa"));
  const again = await KnownServers.load(path);
  expect(again.compare("paris:7331", pin("aa"))).toEqual({ kind: "known" });
  expect(again.compare("paris:7332", pin("aa"))).toEqual({ kind: "new" });
  expect(again.compare("paris:7331", pin("bb"))).toEqual({
    kind: "changed",
    pinned: "aa".repeat(32),
  });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("a line that cannot be read is refused, not taken for a server never met", async () => {
  const path = join(await makeFolder(), "known_servers");
  await Bun.write(path, "# mine\n\nparis:7331 sha256:xyz\n");
  expect(KnownServers.load(path)).rejects.toThrow("known_servers:3");
});

test("a file that cannot be read is refused, not taken for one that is not there", async () => {
  const folder = await makeFolder();
  expect(await KnownServers.load(folder).catch((thrown: unknown) => thrown)).toMatchObject({
    code: "FILE_UNREADABLE",
  });
  const none = await KnownServers.load(join(folder, "none"));
  expect(none.compare("paris:7331", pin("aa"))).toEqual({ kind: "new" });
});

test("the file is in the user's config folder", () => {
  const folder = join("/", "config");
  expect(knownServersPath({ XDG_CONFIG_HOME: folder })).toBe(
    join(folder, "chatfusion", "known_servers"),
  );
  expect(knownServersPath({ XDG_CONFIG_HOME: "relative" })).not.toContain("relative");
});

test("over TLS the certificate decides, and a refused one is told nothing", async () => {
  const peer = await startPeer({ tls: true });
  const server = { host: "127.0.0.1", port: peer.port };
  const seen: string[] = [];
  const trust = (where: string, fingerprint: Uint8Array) => {
    seen.push(where);
    return fingerprint.length !== 32;
  };
  const connecting = connect({ nick: "ann", password: "secret", server, tls: true, trust });
  expect(await connecting.catch((thrown: unknown) => thrown)).toMatchObject({
    code: "CERTIFICATE_CHANGED",
  });
  expect(seen).toEqual([`127.0.0.1:${peer.port}`]);
});

test("a password goes over TLS that is trusted", async () => {
  const peer = await startPeer({ tls: true });
  const server = { host: "127.0.0.1", port: peer.port };
  const options = { nick: "ann", password: "secret", server, tls: true, trust: () => true };
  const connecting = connect(options);
  const visitor = await peer.visitors.take();
  expect(await visitor.welcome()).toEqual({ nick: "ann", password: "secret" });
  await using client = await connecting;
  expect(client.firstMet).toBeUndefined();
});
