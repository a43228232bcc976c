// Machines for the tests: a network namespace each, on this machine, joined by cables (veth pairs)
// that a test can pull or make swallow what they carry. Each machine has a cable of its own to the
// tests' process, for clients only: no way between two machines leads over it. Needs root.

const IP = "ip";
/** 198.18.0.0/15: addresses that are nobody's on any network (RFC 2544). */
const RANGE = [198, 18] as const;
/** So many laboratories have addresses of their own: those of one process, and of others. */
const LABORATORIES = 2 ** 13;
/** In each, of four addresses. */
const MACHINES_MAX = 4;
/** Where a frame is sent that nobody is to take. */
const NOBODY = "02:00:00:00:00:00";

let laboratories = 0;

interface End {
  readonly namespace: string;
  readonly device: string;
  readonly address: string;
}

/** A cable between two machines. */
export interface Cable {
  /** The first machine's interface is down: also the other one has no carrier. No FIN, no RST. */
  down(): void;
  /** All interfaces are up, and nothing that is sent from these ends is ever taken. */
  swallow(...from: readonly ("first" | "second")[]): void;
  /** All is as it was at first. */
  mend(): void;
}

export interface Machine {
  readonly name: string;
  /** Where it is reached from the tests' process. */
  readonly address: string;
  /** The words before a command that is to run there. */
  readonly within: readonly string[];
}

/** Machines and their cables. All of it is gone after `close`, or when the process ends. */
export class Laboratory {
  readonly #number = (process.pid * 8 + (laboratories++ % 8)) % LABORATORIES;
  readonly #namespaces = new Map<string, string>();
  readonly #outside: string[] = [];
  #cables = 0;
  readonly #leave = () => this.close();

  constructor() {
    process.on("exit", this.#leave);
  }

  machine(name: string): Machine {
    const at = this.#namespaces.size;
    if (at >= MACHINES_MAX) throw new Error(`a laboratory has at most ${MACHINES_MAX} machines`);
    const id = `${process.pid}-${this.#number}-${name}`;
    const namespace = `chatfusion-${id}`;
    ip("netns", "add", namespace);
    this.#namespaces.set(name, namespace);
    const outside = `cf-${this.#number}-${at}`;
    const [near, far] = [this.#address(at, 1), this.#address(at, 2)];
    ip("link", "add", outside, "type", "veth", "peer", "name", "clients", "netns", namespace);
    this.#outside.push(outside);
    ip("address", "add", `${near}/30`, "dev", outside);
    ip("link", "set", outside, "up");
    ip("-n", namespace, "link", "set", "lo", "up");
    ip("-n", namespace, "address", "add", `${far}/30`, "dev", "clients");
    ip("-n", namespace, "link", "set", "clients", "up");
    return { name, address: far, within: [IP, "netns", "exec", namespace] };
  }

  /** Joins two machines; resolves to the cable, and the second one's address on it. */
  join(first: Machine, second: Machine): Cable & { readonly far: string } {
    const subnet = `10.0.${++this.#cables}`; // these machines' alone: none of them leads further
    const ends = [
      this.#end(first, `to-${second.name}`, `${subnet}.1`),
      this.#end(second, `to-${first.name}`, `${subnet}.2`),
    ] as const;
    const [a, b] = ends;
    const peer = ["type", "veth", "peer", "name", b.device, "netns", b.namespace];
    ip("-n", a.namespace, "link", "add", a.device, ...peer);
    for (const { namespace, device, address } of ends) {
      ip("-n", namespace, "address", "add", `${address}/30`, "dev", device);
      ip("-n", namespace, "link", "set", device, "up");
    }
    const neighbour = (from: End, to: End, verb: string, ...how: readonly string[]) =>
      ip("-n", from.namespace, "neighbour", verb, to.address, "dev", from.device, ...how);
    let isDown = false;
    const swallowing = new Set<readonly [End, End]>();
    return {
      far: b.address,
      down() {
        isDown = true;
        ip("-n", a.namespace, "link", "set", a.device, "down");
      },
      swallow(...from) {
        for (const end of from) {
          const pair = end === "first" ? ([a, b] as const) : ([b, a] as const);
          swallowing.add(pair);
          neighbour(...pair, "replace", "lladdr", NOBODY, "nud", "permanent");
        }
      },
      mend() {
        if (isDown) ip("-n", a.namespace, "link", "set", a.device, "up");
        isDown = false;
        for (const pair of swallowing) neighbour(...pair, "delete");
        swallowing.clear();
      },
    };
  }

  /** Removes what was made. Programs that still run in a machine keep it until they end. */
  close(): void {
    process.off("exit", this.#leave);
    for (const device of this.#outside.splice(0)) run(IP, "link", "delete", device);
    for (const namespace of this.#namespaces.values()) run(IP, "netns", "delete", namespace);
    this.#namespaces.clear();
  }

  #end({ name }: Machine, device: string, address: string): End {
    const namespace = this.#namespaces.get(name);
    if (namespace === undefined) throw new Error(`no machine ${name}`);
    return { namespace, device, address };
  }

  #address(machine: number, end: 1 | 2): string {
    const bits = this.#number * MACHINES_MAX * 4 + machine * 4 + end;
    return [RANGE[0], RANGE[1] + (bits >> 16), (bits >> 8) & 255, bits & 255].join(".");
  }
}

/** Why no such machines can be made here, in one line; undefined where they can. */
export function whyNoLaboratory(): string | undefined {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  if (Bun.which(IP) === null) return "network namespaces need the command ip, of iproute2";
  const laboratory = new Laboratory();
  try {
    const [a, b] = [laboratory.machine("a"), laboratory.machine("b")];
    const cable = laboratory.join(a, b);
    cable.down();
    cable.mend();
    must(...a.within, "true");
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    laboratory.close();
  }
}

// --- internal ------------------------------------------------------------------------------------

const run = (...words: readonly string[]) =>
  Bun.spawnSync([...words], { stdin: "ignore", timeout: 10_000 });

function must(...words: readonly string[]): void {
  const { exitCode, stderr } = run(...words);
  if (exitCode === 0) return;
  const [why = ""] = stderr.toString().trim().split("\n");
  throw new Error(`${words.join(" ")}: ${why || `exit code ${exitCode}`}`);
}

const ip = (...words: readonly string[]): void => must(IP, ...words);
