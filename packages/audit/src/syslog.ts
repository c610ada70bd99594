export type { AuditSink } from '@finchat/secrets-core'
export type { SyslogSinkOptions, SyslogTls } from './syslog/syslog-options.ts'
export { syslogSink } from './syslog/syslog-sink.ts'
