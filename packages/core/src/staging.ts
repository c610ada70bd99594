// Versions that are written and tested before they become current, for rotation. Functions over a manager.
export { type AuditedStep, auditedStep } from './staging/audited-step.ts'
export { type PendingSecret, pendingSecret } from './staging/pending-secret.ts'
export type { RotationReport } from './manager/health.ts'
export { addRotationReport } from './staging/rotation-report.ts'
export type { StageOptions } from './staging/stage-options.ts'
export { discardSecret, promoteSecret, stageSecret, type StagedSecretReceipt } from './staging/stage-secret.ts'
