export type { AuditRecord } from '@finchat/secrets-core'
export { type AuditCopy, copyAuditTrail, type CopyAuditOptions } from './copy/copy-audit-trail.ts'
export { type AuditQuery, type AuditRecords, queryRecords } from './query/query.ts'
export { openAuditNames, type OpenAuditNamesOptions, type OpenedRecords } from './query/open-audit-names.ts'
export { csvLines } from './report/csv.ts'
export {
  recordsReport,
  type ReportFormat,
  type ReportOptions,
  type ReportSubject,
  reportSentences,
  reportSeverity,
  summaryReport,
} from './report/report.ts'
export type {
  AccessSummary,
  AuditSummary,
  DaySummary,
  DenialSummary,
  FailureSummary,
  GapSummary,
  HostSummary,
  LoginSummary,
  ProviderSummary,
  ReaderSummary,
  RotationSummary,
  SecretSummary,
  UnreadableName,
  UnrotatedSummary,
  WriteSummary,
} from './query/audit-summary.ts'
export { readAuditRecords } from './query/records-reader.ts'
export { summarize, type SummarizeOptions } from './query/summarize.ts'
export type { RotationAge } from './query/tallies.ts'
export type { HoldChange, PrunedSegments } from './format/prune-mark.ts'
export type { ReportedProblem, ReportedVerification } from './report/reported-verification.ts'
export type { ReportedTrail } from './report/reported-trails.ts'
export { type Severity, verificationSentences, verificationSeverity } from './report/verification-summary.ts'
export { type VerifiedTrail, verifiedTrail } from './query/verified-trail.ts'
export { type FolderVerification, type TrailSource, type TrailTwin, type VerifiedTrails, verifiedTrails } from './query/verified-trails.ts'
