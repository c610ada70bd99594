export type { AuditRecord } from '@finchat/secrets-core'
export { type AuditCopy, copyAuditTrail, type CopyAuditOptions } from './copy/copy-audit-trail.ts'
export { type AuditQuery, type AuditRecords, queryRecords } from './report/query.ts'
export { recordsReport, type ReportFormat, type ReportOptions, summaryReport } from './report/report.ts'
export type {
  AccessSummary,
  AuditSummary,
  DaySummary,
  FailureSummary,
  ProviderSummary,
  RotationSummary,
  SecretSummary,
  UnrotatedSummary,
} from './report/audit-summary.ts'
export { readAuditRecords } from './report/records-reader.ts'
export { summarize, type SummarizeOptions } from './report/summarize.ts'
export type { RotationAge } from './report/tallies.ts'
export {
  type ReportedProblem,
  type ReportedVerification,
  verificationSentences,
  verificationSeverity,
} from './report/verification-summary.ts'
export { type VerifiedTrail, verifiedTrail } from './report/verified-trail.ts'
