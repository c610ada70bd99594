export type { AuditRecord, AuditSink } from '@finchat/secrets-core'
export { type AuditContext, withAuditContext } from './audit-context.ts'
export { auditTrail } from './audit-trail.ts'
export { type AuditorsKey, initAuditFolder, type InitAuditOptions } from './init-audit-folder.ts'
export { type AuditCheckpoints, jsonLinesFile, type JsonLinesFileOptions } from './json-lines-file.ts'
export type { AuditMode, AuditTrailOptions } from './trail-options.ts'
export { type EcsDocument, toEcs } from './mappings/ecs.ts'
export { type OcsfEvent, type OcsfOptions, toOcsf } from './mappings/ocsf.ts'
export { type AuditQuery, type AuditRecords, queryRecords } from './reports/audit-query.ts'
export { recordsReport, type ReportFormat, type ReportOptions, summaryReport } from './reports/audit-report.ts'
export type {
  AccessSummary,
  AuditSummary,
  DaySummary,
  FailureSummary,
  ProviderSummary,
  SecretSummary,
  UnrotatedSummary,
} from './reports/audit-summary.ts'
export { readAuditRecords } from './reports/read-records.ts'
export { summarize, type SummarizeOptions } from './reports/summarize.ts'
export type { ReportedProblem, ReportedVerification } from './reports/verdict.ts'
export { type VerifiedTrail, verifiedTrail } from './reports/verified-trail.ts'
export { functionSink, type FunctionSinkOptions } from './sinks/function-sink.ts'
export { humanLine } from './sinks/human-line.ts'
export { lineSink, type LineSinkOptions, type LineStream } from './sinks/line-sink.ts'
export { loggerSink, type LoggerSinkOptions, type PinoShaped } from './sinks/logger-sink.ts'
export {
  openTelemetrySink,
  type OpenTelemetryLogger,
  type OpenTelemetryLogRecord,
  type OpenTelemetrySinkOptions,
} from './sinks/open-telemetry-sink.ts'
export type { SpanContext } from './sinks/span-context.ts'
export type { SyslogSinkOptions, SyslogTls } from './sinks/syslog-options.ts'
export { syslogSink } from './sinks/syslog-sink.ts'
export { bestEffort, required, type TrailSink } from './trail-sink.ts'
export type { CutIndexLine } from './index-verdict.ts'
export type { AuditProblem } from './audit-problem.ts'
export type { AuditVerification, ForeignFile, SegmentSummary, UnprovenTail, VerifiedRange } from './audit-verification.ts'
export { verifyAuditTrail } from './verify-audit-trail.ts'
export type { VerifyAuditOptions } from './verify-options.ts'
