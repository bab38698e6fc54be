/** Errors of a connection that no later attempt can change: wrong passwords and certificates. */

import { reasonOf } from '../../util/errors.ts';

/** Certificates whose issuer Node does not know. */
const UNKNOWN_ISSUER = /SELF_SIGNED|ISSUER|LEAF_SIGNATURE/;
const CERTIFICATE = /CERT|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH/;
const PROTOCOL = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|HANDSHAKE_FAILURE/;

/** What a server does that refuses the connection, to follow its name in a sentence; undefined for other errors. */
export function refusalOf(error: unknown): string | undefined {
  const message = reasonOf(error);
  if (message.includes('NOAUTH')) return `needs a password (${message})`;
  if (message.includes('NOPERM')) return `does not allow this user to run its commands (${message})`;
  if (/\bWRONGPASS\b|invalid password/.test(message)) return `refuses the password (${message})`;
  const code = String((error as NodeJS.ErrnoException).code ?? '');
  // Messages of OpenSSL have line numbers of its source code, those of Node are sentences
  const reason = code.startsWith('ERR_SSL_') ? code : message;
  if (/ALERT.*(?:CERT|UNKNOWN_CA)/.test(code)) {
    return `requires a certificate of this client, or does not trust it (${reason}); pass cert and key in the option tls, or --cert and --key to a worker`;
  }
  if (UNKNOWN_ISSUER.test(code)) {
    return `has a certificate of an unknown authority (${reason}); name the file of the authority in NODE_EXTRA_CA_CERTS`;
  }
  if (CERTIFICATE.test(code)) return `has a certificate that is not valid (${reason})`;
  if (PROTOCOL.test(code)) return `has no TLS that this client supports (${reason})`;
  return undefined;
}
