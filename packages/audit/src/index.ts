export type { AuditRecord, AuditSink } from '@finchat/secrets-core'
export { type AuditContext, withAuditContext } from './record/audit-context.ts'
export { auditFromEnv } from './audit-from-env.ts'
export { auditTrail } from './trail/audit-trail.ts'
export type { AuditorKeyPair, AuditorKeyPart } from './keys/sealed-key.ts'
export { type AuditorsKey, initAuditFolder, type InitAuditOptions, type SealedForAuditor } from './file/init-audit-folder.ts'
export { type AuditCheckpoints, jsonLinesFile, type JsonLinesFileOptions } from './file/file-sink.ts'
export type { AuditMode, AuditTrailOptions, SealNamesOptions } from './trail/trail-options.ts'
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
export { bestEffort, required, type TrailSink } from './trail/trail-sink.ts'
export type { ErasedNamesMark, HoldChange, PrunedSegments } from './format/prune-mark.ts'
export type { TornIndexLine } from './verify/findings.ts'
export type { AuditProblem } from './verify/audit-problem.ts'
export type {
  AuditVerification,
  ComparedCheckpoints,
  ForeignFile,
  SegmentSummary,
  UnprovenTail,
  VerifiedFolder,
  VerifiedRange,
} from './verify/audit-verification.ts'
export type { WrongClock } from './tables/host-clock.ts'
export { verifyAuditTrail } from './verify/verify-audit-trail.ts'
export type { VerifyAuditOptions } from './verify/verify-options.ts'
