// What TLS needs beyond a plain socket: the fingerprint that is pinned, the upgrade of a socket
// whose first bytes were read already, and the sorting of handshakes that failed from those that
// only no authority vouches for. Who is trusted is the caller's business: see dial.ts.

import { X509Certificate, createHash } from "node:crypto";
import type { Socket, SocketHandler, TLSUpgradeOptions } from "bun";
import type { Bytes, TlsIdentity } from "../environment.ts";

/** The first byte of a TLS connection: a handshake record (RFC 8446 §5.1). No frame begins so. */
export const tlsFirstByte = 0x16;

/** Tells the SHA-256 of a PEM certificate's DER. Throws when it is not one. */
export function fingerprintOf(certificate: string): Bytes {
  return hashOf(new X509Certificate(certificate).raw);
}

/** Tells the SHA-256 of the peer's certificate, or undefined when it has shown none. */
export function peerFingerprint<Data>(socket: Socket<Data>): Bytes | undefined {
  // COMPAT(bun-types): undefined, too, when the peer has shown none.
  const shown = socket.getPeerX509Certificate() as X509Certificate | undefined;
  return shown && hashOf(shown.raw);
}

/** Makes the server's end of TLS out of an accepted socket, of which `head` was read already. */
export function acceptTls<Data>(
  socket: Socket<Data>,
  by: {
    readonly identity: TlsIdentity;
    /** The peer is asked for a certificate; whoever vouches for it, and whether it has one. */
    readonly asks: boolean;
    readonly head: Bytes;
    readonly data: Data;
  },
  handlers: SocketHandler<Data>,
): Socket<Data> {
  // COMPAT(bun-types): isServer and initialData are not in the types; node:net uses them so.
  const options: TLSUpgradeOptions<Data> & { isServer: true; initialData: Bytes } = {
    isServer: true,
    // The chunk is borrowed until return.
    initialData: new Uint8Array(by.head),
    data: by.data,
    tls: {
      key: by.identity.key,
      cert: by.identity.certificate,
      ...(by.asks ? { requestCert: true, rejectUnauthorized: false } : {}),
    },
    socket: handlers,
  };
  return socket.upgradeTLS(options)[1];
}

/**
 * Tells a handshake that failed from one that was completed with a certificate which nobody
 * vouches for; Bun reports both with `success` false.
 */
export function handshakeFailure(success: boolean, error: Error | null): string | undefined {
  if (success || error === null) return success ? undefined : "the handshake failed";
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return unvouched.has(code) ? undefined : error.message;
}

// --- internal ---

/** The handshake was completed and the peer has proved that it holds the certificate's key. */
const unvouched: ReadonlySet<string> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function hashOf(der: Bytes): Bytes {
  return new Uint8Array(createHash("sha256").update(der).digest());
}
