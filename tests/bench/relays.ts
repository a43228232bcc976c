// Other ways for a file to go from one process to another, to compare with: two relays of bytes,
// which know nothing of files, and scp. Each as Debian has it, in a temporary folder.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Copied } from "./load/job.ts";
import { freePort, programPath } from "./machine.ts";
import type { Cores } from "./machine.ts";
import { Process } from "./process.ts";
import type { Running, Subject } from "./subjects.ts";

/** Those that are installed, and a line on each that is not. `find` tells a program's path. */
export function relays(
  folder: string,
  cores: Cores,
  find: (name: string) => string | undefined = programPath,
): { readonly found: readonly Subject[]; readonly missing: readonly string[] } {
  const found: Subject[] = [];
  const missing: string[] = [];
  for (const { name, programs, packages, make } of [socat, nc, scp]) {
    const paths = programs.flatMap((program) => find(program) ?? []);
    if (paths.length === programs.length) found.push(make({ folder, cores, paths }));
    else missing.push(`${name}: skipped, not installed (Debian: apt install ${packages})`);
  }
  return { found, missing };
}

// --- internal ---

interface How {
  readonly folder: string;
  readonly cores: Cores;
  /** Of the programs, in their order. */
  readonly paths: readonly string[];
}

interface Relay {
  readonly name: string;
  readonly programs: readonly string[];
  readonly packages: string;
  make(how: How): Subject;
}

/** As large as our chunks. */
const BLOCK_BYTES = "65536";

const socat: Relay = {
  name: "socat",
  programs: ["socat"],
  packages: "socat",
  make: ({ folder, cores, paths: [path = ""] }) =>
    subject("socat", async () => {
      const [from, to] = [freePort(), freePort()];
      const at = (port: number) => `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`;
      const words = [...cores.server, path, "-b", BLOCK_BYTES, at(from), at(to)];
      const running = new Process(words, mkdtempSync(join(folder, "socat-")));
      await running.holds(from);
      return runningOf([running, running], [from, to]);
    }),
};

/** One listens and writes to the pipe, the other one listens and reads from it. */
const nc: Relay = {
  name: "nc pipe",
  programs: ["nc"],
  packages: "netcat-openbsd",
  make: ({ folder, cores, paths: [path = ""] }) =>
    subject("nc pipe", async () => {
      const [from, to] = [freePort(), freePort()];
      const place = mkdtempSync(join(folder, "nc-"));
      const pipe = join(place, "pipe");
      if (Bun.spawnSync(["mkfifo", pipe]).exitCode !== 0) throw new Error(`no pipe at ${pipe}`);
      const listen = (port: number) => `exec ${path} -l 127.0.0.1 ${port}`;
      // Both open the pipe before they listen, and each waits there for the other.
      const first = new Process(
        [...cores.server, "sh", "-c", `${listen(from)} </dev/null >'${pipe}'`],
        mkdtempSync(join(place, "first-")),
      );
      const second = new Process(
        [...cores.server, "sh", "-c", `${listen(to)} <'${pipe}' >/dev/null`],
        mkdtempSync(join(place, "second-")),
      );
      await Promise.all([first.holds(from), second.holds(to)]);
      return runningOf([first, second], [from, to]);
    }),
};

function subject(name: string, start: () => Promise<Running>): Subject {
  return { name, protocol: "raw", version: "", acks: false, skips: () => undefined, start };
}

function runningOf(processes: readonly Process[], ports: readonly number[]): Running {
  return {
    targets: processes.map(({ pid }, at) => ({ port: ports[at] ?? 0, name: "", pid })),
    async stop() {
      await Promise.all(processes.map((one) => one.stop()));
    },
  };
}

/** To a server of its own on this machine, with keys that are thrown away. */
const scp: Relay = {
  name: "scp",
  programs: ["scp", "sshd", "ssh-keygen"],
  packages: "openssh-client openssh-server",
  make: ({ folder, cores, paths: [path = "", sshd = "", keygen = ""] }) => ({
    ...subject("scp", () => Promise.reject(new Error("scp is started for each file"))),
    async copy(bytes) {
      const place = mkdtempSync(join(folder, "scp-"));
      const port = freePort();
      const config = writeKeys(place, port, keygen);
      const running = new Process([...cores.server, sshd, "-D", "-e", "-f", config], place);
      try {
        await running.holds(port);
        const known = `UserKnownHostsFile=${join(place, "known")}`;
        const options = ["StrictHostKeyChecking=no", "BatchMode=yes", known];
        const words = [...cores.generator, path, "-q", "-F", "/dev/null", "-P", String(port)];
        words.push("-i", join(place, "key"), ...options.flatMap((option) => ["-o", option]));
        const to = `127.0.0.1:${join(place, "copy")}`;
        const copy = (from: string) => [...words, join(place, from), to];
        return await timed(place, bytes, copy);
      } finally {
        await running.stop();
      }
    },
  }),
};

/** What a large file takes beyond an empty one: the connection and the keys cost 0.3 s. */
async function timed(
  place: string,
  bytes: number,
  copy: (from: string) => readonly string[],
): Promise<Copied> {
  writeFileSync(join(place, "empty"), "");
  writeFileSync(join(place, "file"), new Uint8Array(bytes));
  const times: number[] = [];
  for (const from of ["empty", "file"]) {
    const began = performance.now();
    const child = Bun.spawn([...copy(from)], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const said = await child.stderr.text();
    if ((await child.exited) !== 0) throw new Error(`scp: ${said.trim().slice(-300)}`);
    times.push(performance.now() - began);
  }
  const [empty = 0, whole = 0] = times;
  return { bytes, seconds: (whole - empty) / 1000 };
}

/** Writes keys and a configuration; returns where that is. */
function writeKeys(place: string, port: number, keygen: string): string {
  for (const name of ["host", "key"]) {
    const made = Bun.spawnSync([keygen, "-q", "-t", "ed25519", "-N", "", "-f", join(place, name)]);
    if (made.exitCode !== 0) throw new Error(`ssh-keygen: ${made.stderr.toString().trim()}`);
  }
  // A folder without which sshd does not start as root; Debian's service makes it.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const config = join(place, "sshd_config");
  writeFileSync(
    config,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(place, "host")}
AuthorizedKeysFile ${join(place, "key.pub")}
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
Subsystem sftp internal-sftp
`,
  );
  return config;
}
