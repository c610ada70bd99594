import {
  assertAuthorities,
  assertClientCertificate,
  assertWholeNumber,
  configurationError,
  knownOptions,
  type MembersOf,
} from '@finchat/secrets-core/provider'
import { assertSinkName } from '../record/errors.ts'

/**
 * Certificates in PEM. The server's certificate and name are always verified (RFC 5425, section 5).
 */
export interface SyslogTls {
  /** The only trusted authorities. Default: those of Node.js. */
  readonly ca?: string | undefined
  /** The client's certificate, for a server that requires one, and its key. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The name in the server's certificate, if it is not `host`. */
  readonly servername?: string | undefined
}

/** What `syslogSink` takes. */
export interface SyslogSinkOptions {
  /** A name or an address. */
  readonly host: string
  /** Default: 6514 for TLS, 601 for TCP, 514 for UDP. */
  readonly port?: number | undefined
  /** Default: `tls`. */
  readonly transport?: 'tls' | 'tcp' | 'udp' | undefined
  readonly tls?: SyslogTls | undefined
  /** 0 to 23. Default: 13, log audit (RFC 5424, table 1). */
  readonly facility?: number | undefined
  /** `json`, the default: the record. `human`: `humanLine`. */
  readonly format?: 'json' | 'human' | undefined
  /**
   * A longer record has its texts truncated. Default: 8,192; over UDP 2,048, which receivers should
   * take (RFC 5425, section 4.3.1; RFC 5426, section 3.2).
   */
  readonly maxMessageBytes?: number | undefined
  /** How much may wait for the server; more is refused. Default: 1 MiB. */
  readonly maxWaitingBytes?: number | undefined
  /** Default: `syslog`. */
  readonly name?: string | undefined
}

const members: MembersOf<SyslogSinkOptions> = {
  host: 'string',
  port: 'number',
  transport: 'string',
  tls: 'any',
  facility: 'number',
  format: 'string',
  maxMessageBytes: 'number',
  maxWaitingBytes: 'number',
  name: 'string',
}
const tlsMembers: MembersOf<SyslogTls> = { ca: 'string', cert: 'string', key: 'string', servername: 'string' }

export type CheckedSyslogOptions = { readonly [option in keyof SyslogSinkOptions]-?: NonNullable<SyslogSinkOptions[option]> }

const ports = { tls: 6514, tcp: 601, udp: 514 }

/** The payload of an IPv4 datagram: 65,535 bytes less the headers of IP and UDP. */
const largestDatagram = 65_507
const largestMessage = 1024 * 1024

/** Throws `CONFIGURATION`, without certificates or keys, for invalid options. */
export function checkedSyslogOptions(options: SyslogSinkOptions): CheckedSyslogOptions {
  const { host, transport = 'tls', tls, facility = 13, format = 'json', name = 'syslog', ...given } = knownOptions(options, members)
  assertSinkName(name)
  if (typeof host !== 'string' || host === '') throw configurationError('`host` is missing', "name the server's host")
  if (!Object.hasOwn(ports, transport)) throw configurationError('`transport` is not known', 'use tls, tcp or udp')
  if (tls !== undefined && transport !== 'tls')
    throw configurationError('`tls` is given, but the transport is another', "use transport: 'tls'")
  if (format !== 'json' && format !== 'human') throw configurationError('`format` is not known', 'use json or human')
  const { port = ports[transport], maxMessageBytes = transport === 'udp' ? 2048 : 8192, maxWaitingBytes = 1024 * 1024 } = given
  assertWholeNumber('port', port, 1, 65_535)
  assertWholeNumber('facility', facility, 0, 23)
  assertWholeNumber('maxMessageBytes', maxMessageBytes, 2048, transport === 'udp' ? largestDatagram : largestMessage)
  assertWholeNumber('maxWaitingBytes', maxWaitingBytes, maxMessageBytes, 1024 ** 3)
  return { host, port, transport, tls: checkedTls(tls ?? {}), facility, format, maxMessageBytes, maxWaitingBytes, name }
}

function checkedTls(given: SyslogTls): SyslogTls {
  const tls = knownOptions(given, tlsMembers)
  const { ca, cert, key } = tls
  if (ca !== undefined) assertAuthorities(ca, 'tls.ca')
  if (cert !== undefined || key !== undefined) assertClientCertificate({ cert, key })
  return tls
}

/** An open connection to the server. */
export interface SyslogChannel {
  /** Resolves when the operating system took the message: syslog sends no answer. */
  readonly send: (message: string) => Promise<void>
  /** Whether an open channel keeps the process alive. */
  readonly keepAlive: (needed: boolean) => void
  /** Resolves when all messages were handed over, or at once when the signal aborts. */
  readonly end: (signal: AbortSignal) => Promise<void>
}

/** Opens a channel, or rejects. `gone` is called once if it breaks later. */
export type OpenSyslogChannel = (options: CheckedSyslogOptions, gone: () => void) => Promise<SyslogChannel>
