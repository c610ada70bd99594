import type { AuditSink } from '@finchat/secrets-core'
import { openDatagrams } from './syslog/syslog-datagrams.ts'
import { SyslogLink } from './syslog/syslog-link.ts'
import { syslogMessage } from './syslog/syslog-message.ts'
import { checkedSyslogOptions, type SyslogSinkOptions } from './syslog/syslog-options.ts'
import { openStream } from './syslog/syslog-stream.ts'

export type { AuditSink } from '@finchat/secrets-core'
export type { SyslogSinkOptions, SyslogTls } from './syslog/syslog-options.ts'

/**
 * Sends each record to a syslog server, as RFC 5424 over TLS (RFC 5425), TCP (RFC 6587, octet
 * counting) or UDP (RFC 5426). The message is the record as JSON in printable ASCII; its severity
 * is informational, warning for a failure, error for a gap.
 *
 * A record is acknowledged when the operating system took it: syslog sends no answer. What is under
 * way when a connection breaks may be lost, and over UDP any message may. So the sink is never
 * durable; use a durable one beside it. `trail` and `seq` show a receiver what it missed.
 *
 * It connects with the first record, and again with the next one after a connection broke. While
 * the server is unreachable it refuses records at once. Throws `CONFIGURATION` for invalid options.
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
