// The core's side of the gateway role: listeners, connections and the one entrance.

import type { Bytes, Environment, TlsIdentity, Wire, WireHandlers } from "../environment.ts";
import { ChatFusionError, isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import type { Connection, ConnectionHandlers, GatewayHost } from "../plugin/gateway.ts";
import type { PersonalEvent, Session } from "../plugin/gateway.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import type { Gatekeeper } from "./acceptor.ts";
import { createBeside } from "./beside.ts";
import type { Entrance } from "./entrance.ts";
import { Outlet } from "./outlet.ts";
import type { People } from "./people.ts";
import type { LiveSession } from "./session.ts";
import type { Doorway } from "./session-host.ts";
import type { Tick } from "./tick.ts";

export interface GatewaysOptions {
  readonly environment: Environment;
  readonly tick: Tick<LiveSession>;
  readonly entrance: () => Entrance;
  readonly people: Pick<People, "members">;
  readonly gate: Gatekeeper;
  readonly tls: TlsIdentity | undefined;
  readonly host: string;
  /** A listener is open: it is closed when the server stops. */
  opened(listener: { close(): void }): void;
}

/** What is known of a connection. */
interface Place {
  readonly wire: Wire;
  /** Ends the time and the place of a stranger. */
  readonly entered: () => void;
  open: boolean;
  /** It has a session, or is about to. */
  entering: boolean;
}

const encoder = new TextEncoder();
const bytesOf = (bytes: string | Bytes): Bytes =>
  typeof bytes === "string" ? encoder.encode(bytes) : bytes;

/** Makes the host of one gateway plugin. */
export function createGatewayHost(options: GatewaysOptions, plugin: string): GatewayHost {
  const { environment, tick, gate } = options;
  const wires = new WeakMap<Connection, Place>();
  const sessions = new WeakMap<Connection, LiveSession>();

  const connect = (wire: Wire): Connection => {
    const connection: Connection = {
      remote: wire.remote,
      secure: wire.secure,
      tls: wire.tls,
      fingerprint: wire.shown,
      send(bytes) {
        tick.wire(wire);
        return wire.send("room", bytesOf(bytes));
      },
      pause: () => wire.pause(),
      resume: () => wire.resume(),
      close(reason) {
        wire.flush();
        wire.close(reason);
      },
    };
    wire.bound("room", LIMITS.outboxBytesMax);
    wires.set(connection, { wire, entered: () => {}, open: true, entering: false });
    return connection;
  };
  /** The connection has ended: so has its session. */
  const ended = (connection: Connection, reason: string) => {
    const place = wires.get(connection);
    if (place !== undefined) place.open = false;
    sessions.get(connection)?.close(reason);
  };
  const admit = (connection: Connection, wire: Wire) => {
    const seconds = LIMITS.handshakeMsMax / 1000;
    const evict = ({ code, text }: Failure) => {
      gate.refused(wire.remote, code);
      wire.close(`${code}: ${text}`);
    };
    const late = () => evict(failure("HANDSHAKE_TIMEOUT", `no login within ${seconds} s`));
    const visitor = { remote: wire.remote, evict };
    const refused = gate.admit(visitor);
    if (refused !== undefined) {
      queueMicrotask(() => evict(refused));
      return () => {};
    }
    const cancel = environment.clock.after(LIMITS.handshakeMsMax, late);
    wires.set(connection, {
      wire,
      open: true,
      entering: false,
      entered() {
        cancel();
        gate.entered(visitor);
      },
    });
    return () => {
      cancel();
      gate.gone(visitor);
    };
  };
  const accept =
    (take: (connection: Connection) => ConnectionHandlers) =>
    (wire: Wire): WireHandlers => {
      const connection = connect(wire);
      const gone = admit(connection, wire);
      /** A throw closes the connection, and is told with the plugin's name. */
      const guarded = (where: string, run: () => void) => {
        try {
          run();
        } catch (error) {
          environment.log.error("gateway failed", { plugin, where, error });
          wire.close("INTERNAL: the server met a fault of its own; it has been logged");
        }
      };
      let handlers: ConnectionHandlers | undefined;
      guarded("accept", () => void (handlers = take(connection)));
      return {
        data: (chunk) => guarded("data", () => handlers?.data(chunk)),
        closed(reason) {
          gone();
          ended(connection, reason);
          guarded("closed", () => handlers?.closed(reason));
        },
      };
    };

  const beside = createBeside(environment.net);
  options.opened(beside);
  return {
    listenBeside: beside.listenBeside,
    dialBeside: beside.dialBeside,
    mechanisms: () => options.entrance().mechanisms,
    async listen(door, take) {
      const host = door.host ?? options.host;
      const tls = door.tls === false ? undefined : options.tls;
      const asksCertificates = door.asksCertificates === true;
      const at = { host, port: door.port, tls, asksCertificates };
      const listener = await environment.net.listen(at, accept(take));
      options.opened(listener);
      return listener.port;
    },
    async listenWeb({ host = options.host, origins = [], ...door }, take) {
      const { net } = environment;
      if (net.listenWeb === undefined)
        throw new ChatFusionError("CANNOT_LISTEN", "there are no WebSockets in this world");
      const tls = door.tls === false ? undefined : options.tls;
      const listener = await net.listenWeb({ ...door, host, origins, tls }, (wire, protocol) =>
        accept((connection) => take(connection, protocol))(wire),
      );
      options.opened(listener);
      return listener.port;
    },
    adopt(sink, closed) {
      const whole = {
        remote: sink.remote,
        write: (bytes: Bytes, from: number, to: number) => sink.write(bytes, from, to),
        pause: () => sink.pause(),
        resume: () => sink.resume(),
        end: () => sink.end(),
        destroy: () => sink.end(),
      };
      let gone = () => {};
      const adopted = environment.net.adopt(whole, sink.secure, {
        data() {},
        closed(reason) {
          gone();
          ended(connection, reason);
          closed(reason);
        },
      });
      const connection = connect(adopted.wire);
      gone = admit(connection, adopted.wire);
      return {
        connection,
        writable: () => adopted.writable(),
        closed: () => adopted.closed("the transport was closed"),
      };
    },
    async authenticate({ nick, credential, connection }) {
      const place = wires.get(connection);
      if (place === undefined) return failure("INTERNAL", "not a connection of this gateway");
      const { remote, secure } = place.wire;
      const { fingerprint } = connection;
      const attempt = { nick, credential, remote, secure, fingerprint, doorName: plugin };
      return options.entrance().authenticate(attempt);
    },
    identify(session, proof) {
      // A session is given out by `enter` alone.
      return options.entrance().identify(session as LiveSession, proof);
    },
    isLarge(room) {
      const members = options.people.members(room as RoomName); // only looked up
      return members > LIMITS.roomPresenceMembersMax;
    },
    registers: () => options.entrance().registers,
    async register({ nick, password, connection, session }) {
      const place = wires.get(connection);
      if (place === undefined) return failure("INTERNAL", "not a connection of this gateway");
      const { remote, secure } = place.wire;
      const own = session as LiveSession | undefined; // given out by `enter` alone
      const by = { remote, secure, doorName: plugin };
      return options.entrance().register({ nick, password, ...by, session: own });
    },
    async enter(entry): Promise<Session | Failure> {
      const place = wires.get(entry.connection);
      if (place === undefined) return failure("INTERNAL", "not a connection of this gateway");
      if (place.entering) return failure("OUT_OF_PHASE", "this connection has a session already");
      place.entering = true;
      const { wire } = place;
      // Kept until the gateway has its session: it could not tell anybody before.
      let early: (() => void)[] | undefined = [];
      const inTurn = (run: () => void) => (early === undefined ? run() : void early.push(run));
      const tell = (event: PersonalEvent) => {
        try {
          entry.personal(event);
        } catch (thrown) {
          sessions.get(entry.connection)?.failed("personal", thrown);
        }
      };
      const bidFarewell = (reason: Failure) => {
        try {
          const last = bytesOf(entry.farewell?.(reason) ?? "");
          // Behind what is queued; before it where the queue is full.
          if (!wire.send("room", last)) wire.send("control", last);
        } catch (thrown) {
          environment.log.error("gateway failed", { plugin, where: "farewell", error: thrown });
        }
      };
      const doorway: Doorway = {
        personal: (event) => (early === undefined ? tell(event) : inTurn(() => tell(event))),
        reached: (run) => inTurn(() => sessions.get(entry.connection)?.after(run)),
        close: (code, text) => {
          if (code !== undefined) bidFarewell(failure(code, text));
          wire.flush();
          wire.close(code === undefined ? text : `${code}: ${text}`);
        },
        refuse: ({ text }) => doorway.personal({ type: "notice", text }),
        pause: () => wire.pause(),
        resume: () => wire.resume(),
      };
      const entered = await options.entrance().enter({
        nick: entry.nick,
        credential: entry.credential,
        remote: wire.remote,
        secure: wire.secure,
        fingerprint: entry.connection.fingerprint,
        doorName: plugin,
        format: entry.format,
        outlet: new Outlet(wire, undefined, tick.outlet),
        doorway,
        proof: entry.proof,
        open: () => place.open,
      });
      place.entering = !isFailure(entered);
      if (isFailure(entered)) return entered;
      place.entered();
      sessions.set(entry.connection, entered);
      environment.clock.soon(() => {
        const waiting = early ?? [];
        early = undefined;
        for (const run of waiting) run();
      });
      return entered;
    },
  };
}
