// Other chat servers to compare with, as Debian has them: each with the least that it needs in a
// temporary folder, bounds and brakes out of the way, as in our bare.config.ts.

import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Job } from "./load/job.ts";
import { freePort, programPath } from "./machine.ts";
import type { Cores } from "./machine.ts";
import { Process } from "./process.ts";
import type { Scenario } from "./scenarios.ts";
import type { Running, Subject } from "./subjects.ts";

/** What a peer is, apart from how it is started. */
interface Peer {
  /** Of the program, and of Debian's package. */
  readonly name: string;
  readonly protocol: Job["protocol"];
  readonly versionWord: string;
  /** So many people may come at the same time. */
  readonly enteringMax?: number;
  /** Why a load is too much for it. */
  cannot?(load: Scenario["load"]): string | undefined;
  /** Writes its files into `folder`; returns the words behind the program's name. */
  configure(at: Place): readonly string[];
}

/** One server of one or two that are joined: the second one calls the first. */
interface Place {
  readonly folder: string;
  readonly index: number;
  readonly ports: readonly { readonly clients: number; readonly servers: number }[];
}

/** Those that are installed, and a line on each that is not. `find` tells a program's path. */
export function peers(
  folder: string,
  cores: Cores,
  find: (name: string) => string | undefined = programPath,
): { readonly found: readonly Subject[]; readonly missing: readonly string[] } {
  const found: Subject[] = [];
  const missing: string[] = [];
  for (const peer of PEERS) {
    const path = find(peer.name);
    if (path === undefined) {
      missing.push(`${peer.name}: skipped, not installed (Debian: apt install ${peer.name})`);
    } else found.push(subjectOf(peer, path, folder, cores));
  }
  return { found, missing };
}

// --- internal ---

function subjectOf(peer: Peer, path: string, folder: string, cores: Cores): Subject {
  const { name, protocol, versionWord } = peer;
  const told = Bun.spawnSync([path, versionWord]);
  const version = /\d+(\.\d+)+/.exec(`${told.stdout.toString()}${told.stderr.toString()}`)?.[0];
  return {
    name,
    protocol,
    version: version ?? "",
    acks: false,
    ...(peer.enteringMax === undefined ? {} : { enteringMax: peer.enteringMax }),
    skips: ({ load }) => peer.cannot?.(load),
    async start(servers) {
      const ports = Array.from({ length: servers }, () => ({
        clients: freePort(),
        servers: freePort(),
      }));
      const running: Process[] = [];
      for (const index of ports.keys()) {
        const place = { folder: mkdtempSync(join(folder, `${name}-`)), index, ports };
        const words = [...cores.server, path, ...peer.configure(place)];
        running.push(new Process(words, place.folder));
      }
      try {
        await Promise.all(running.map((one, at) => one.listens(ports[at]?.clients ?? 0)));
      } catch (thrown) {
        await Promise.all(running.map((one) => one.stop()));
        throw thrown;
      }
      return runningOf(running, ports);
    },
  };
}

function runningOf(running: readonly Process[], ports: Place["ports"]): Running {
  return {
    targets: running.map(({ pid }, at) => ({ port: ports[at]?.clients ?? 0, name: "", pid })),
    async stop() {
      await Promise.all(running.map((one) => one.stop()));
    },
  };
}

const isRoot = process.getuid?.() === 0;

const inspircd: Peer = {
  name: "inspircd",
  protocol: "irc",
  versionWord: "--version",
  configure({ folder, index, ports }) {
    const { clients, servers } = ports[index] ?? {};
    const other = 1 - index;
    const link = `<link name="s${other}.test" ipaddr="127.0.0.1" port="${ports[other]?.servers}"
 allowmask="127.0.0.0/8" timeout="15s" sendpass="p" recvpass="p">`;
    const dial = index === 1 ? `<autoconnect period="1s" server="s0.test">` : "";
    const file = join(folder, "inspircd.conf");
    writeFileSync(
      file,
      `<config format="xml">
<server name="s${index}.test" description="bench" network="Bench" id="${index}AA">
<admin name="bench" nick="bench" email="bench@s.test">
<bind address="127.0.0.1" port="${clients}" type="clients">
<bind address="127.0.0.1" port="${servers}" type="servers">
<connect name="all" allow="*" timeout="60" pingfreq="600" hardsendq="256M" softsendq="64M"
 recvq="4M" threshold="1000000000" commandrate="1000000000" fakelag="no" localmax="30000"
 globalmax="60000" maxconnwarn="no" resolvehostnames="no" useident="no" limit="30000" maxchans="100"
 modes="">
<dns server="127.0.0.1" timeout="1">
<pid file="${join(folder, "pid")}">
<options defaultmodes="" pingwarning="0">
<performance netbuffersize="65534" somaxconn="4096" softlimit="30000" clonesonconnect="no"
 quietbursts="yes">
<limits maxline="4096" maxnick="30">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="${join(folder, "log")}">
<module name="spanningtree">
${ports.length === 2 ? `${link}\n${dial}` : ""}
`,
    );
    return ["--nofork", "--config", file, ...(isRoot ? ["--runasroot"] : [])];
  },
};

const ngircd: Peer = {
  name: "ngircd",
  protocol: "irc",
  versionWord: "--version",
  // Ten wait at its port; of more the system drops some, which come again seconds later.
  enteringMax: 10,
  cannot(load) {
    if (load.kind !== "rooms" && load.kind !== "pairs") return undefined;
    return load.textBytes > 400 ? "a line of it has 512 bytes at most" : undefined;
  },
  configure({ folder, index, ports }) {
    const other = 1 - index;
    const dial = index === 1 ? `Port = ${ports[other]?.clients}\nPassive = no` : "Passive = yes";
    const link = `[Server]
Name = s${other}.test
Host = 127.0.0.1
MyPassword = p
PeerPassword = p
${dial}`;
    const file = join(folder, "ngircd.conf");
    writeFileSync(
      file,
      `[Global]
Name = s${index}.test
Info = bench
Listen = 127.0.0.1
Ports = ${ports[index]?.clients}
MotdPhrase = bench
PidFile = ${join(folder, "pid")}
${isRoot ? "ServerUID = root\nServerGID = root" : ""}
[Limits]
ConnectRetry = 5
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxNickLength = 30
MaxPenaltyTime = 0
PingTimeout = 600
PongTimeout = 600
[Options]
DNS = no
Ident = no
PAM = no
${ports.length === 2 ? link : ""}
`,
    );
    return ["-n", "-f", file];
  },
};

const nats: Peer = {
  name: "nats-server",
  protocol: "nats",
  versionWord: "--version",
  configure({ folder, index, ports }) {
    const { clients, servers } = ports[index] ?? {};
    const routes = index === 1 ? `routes: ["nats-route://127.0.0.1:${ports[0]?.servers}"]` : "";
    const cluster = `cluster { name: bench, listen: "127.0.0.1:${servers}", no_advertise: true
  ${routes} }`;
    const file = join(folder, "nats.conf");
    writeFileSync(
      file,
      `listen: "127.0.0.1:${clients}"
server_name: s${index}
max_connections: 60000
max_pending: 1073741824
write_deadline: "60s"
ping_interval: "600s"
${ports.length === 2 ? cluster : ""}
`,
    );
    return ["-c", file];
  },
};

const PEERS = [inspircd, ngircd, nats] as const;

/** Of all that are known, installed or not. */
export const PEER_NAMES: readonly string[] = PEERS.map(({ name }) => name);
