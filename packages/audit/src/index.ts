export type { AuditRecord, AuditSink } from '@finchat/secrets-core'
export { type AuditContext, withAuditContext } from './audit-context.ts'
export { bestEffort, required, type TrailSink } from './trail-sink.ts'
