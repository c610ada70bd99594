import type { AuditSink } from '@finchat/secrets-core'
import { openDatagrams } from './syslog/syslog-datagrams.ts'
import { SyslogLink } from './syslog/syslog-link.ts'
import { syslogMessage } from './syslog/syslog-message.ts'
import { checkedSyslogOptions, type SyslogSinkOptions } from './syslog/syslog-options.ts'
import { openStream } from './syslog/syslog-stream.ts'

export type { AuditSink } from '@finchat/secrets-core'
export type { SyslogSinkOptions, SyslogTls } from './syslog/syslog-options.ts'

/**
 * Sends each record to a syslog server: as RFC 5424 over TLS (RFC 5425), TCP (RFC 6587, octet counting) or UDP (RFC 5426). The message is the record
 * as JSON in printable ASCII; severity is informational, warning for what failed, error for a gap.
 *
 * Acknowledged is what the operating system took: syslog answers nothing. What was on its way when a connection broke may be lost, over UDP anything
 * may, and nobody is told. So this sink is never durable; keep a durable one beside it. A receiver finds what it missed by `trail` and `seq`.
 *
 * It connects with the first record, and anew with the next after a connection broke; while the server cannot be reached it refuses records at once.
 * Throws `CONFIGURATION` for options that make no sense.
 *
 * @example
 * import { syslogSink } from '@finchat/secrets-audit/syslog'
 *
 * const sink = syslogSink({ host: 'logs.example.com' })
 * console.log(sink.name, sink.durable) // syslog false
 */
export function syslogSink(options: SyslogSinkOptions): AuditSink {
  const checked = checkedSyslogOptions(options)
  const link = new SyslogLink(checked, checked.transport === 'udp' ? openDatagrams : openStream)
  return {
    specificationVersion: 'v1',
    name: checked.name,
    durable: false,
    write: async (record, context) => link.send(syslogMessage(record, checked), context),
    close: (context) => link.close(context),
  }
}
