export type { AuditRecord, AuditSink } from '@finchat/secrets-core'
export { type AuditContext, withAuditContext } from './record/audit-context.ts'
export { auditTrail } from './trail/audit-trail.ts'
export { type AuditorsKey, initAuditFolder, type InitAuditOptions } from './file/init-audit-folder.ts'
export { type AuditCheckpoints, jsonLinesFile, type JsonLinesFileOptions } from './file/file-sink.ts'
export type { AuditMode, AuditTrailOptions } from './trail/trail-options.ts'
export { type EcsDocument, toEcs } from './siem/ecs.ts'
export { type OcsfEvent, type OcsfOptions, toOcsf } from './siem/ocsf.ts'
export { type AuditQuery, type AuditRecords, queryRecords } from './report/query.ts'
export { recordsReport, type ReportFormat, type ReportOptions, summaryReport } from './report/report.ts'
export type {
  AccessSummary,
  AuditSummary,
  DaySummary,
  FailureSummary,
  ProviderSummary,
  SecretSummary,
  UnrotatedSummary,
} from './report/audit-summary.ts'
export { readAuditRecords } from './report/records-reader.ts'
export { summarize, type SummarizeOptions } from './report/summarize.ts'
export type { ReportedProblem, ReportedVerification } from './report/verification-summary.ts'
export { type VerifiedTrail, verifiedTrail } from './report/verified-trail.ts'
export { functionSink, type FunctionSinkOptions } from './sinks/function-sink.ts'
export { humanLine } from './record/human-line.ts'
export { lineSink, type LineSinkOptions, type LineStream } from './sinks/line-sink.ts'
export { loggerSink, type LoggerSinkOptions, type PinoShaped } from './sinks/logger-sink.ts'
export {
  openTelemetrySink,
  type OpenTelemetryLogger,
  type OpenTelemetryLogRecord,
  type OpenTelemetrySinkOptions,
} from './sinks/open-telemetry-sink.ts'
export type { SpanContext } from './sinks/open-telemetry-sink.ts'
export type { SyslogSinkOptions, SyslogTls } from './syslog/syslog-options.ts'
export { syslogSink } from './syslog/syslog-sink.ts'
export { bestEffort, required, type TrailSink } from './trail/trail-sink.ts'
export type { CutIndexLine } from './verify/index-findings.ts'
export type { AuditProblem } from './verify/audit-problem.ts'
export type { AuditVerification, ForeignFile, SegmentSummary, UnprovenTail, VerifiedRange } from './verify/verification-report.ts'
export { verifyAuditTrail } from './verify/verify-audit-trail.ts'
export type { VerifyAuditOptions } from './verify/verify-options.ts'
