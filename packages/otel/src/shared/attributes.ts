import type { AuditedOperation, SecretsErrorCode } from '@finchat/secrets-core'

/** Attributes in the manner of the semantic conventions; `error.type` is one of theirs. */
export const attribute = {
  manager: 'finchat.secrets.manager.name',
  operation: 'finchat.secrets.operation.name',
  secret: 'finchat.secrets.secret.name',
  version: 'finchat.secrets.secret.version',
  provider: 'finchat.secrets.provider.name',
  source: 'finchat.secrets.source',
  stale: 'finchat.secrets.stale',
  degraded: 'finchat.secrets.degraded',
  matched: 'finchat.secrets.matched',
  steps: 'finchat.secrets.steps',
  answer: 'finchat.secrets.fallback.answer',
  result: 'finchat.secrets.result',
  login: 'finchat.secrets.login.operation',
  rotation: 'finchat.secrets.rotation.status',
  sink: 'finchat.secrets.audit.sink.name',
  required: 'finchat.secrets.audit.sink.required',
  reason: 'finchat.secrets.reason',
  error: 'error.type',
} as const

/** What the conventions say for an error that is not in the list of an instrumentation. */
const other = '_OTHER'

// Every code, so that a provider's own text cannot become a label.
const codes: Readonly<Record<SecretsErrorCode, true>> = {
  NOT_FOUND: true,
  DELETED: true,
  PERMISSION_DENIED: true,
  CREDENTIALS_MISSING: true,
  UNAUTHENTICATED: true,
  INVALID_ARGUMENT: true,
  RATE_LIMITED: true,
  UNAVAILABLE: true,
  DEADLINE_EXCEEDED: true,
  ABORTED: true,
  VERSION_CONFLICT: true,
  INTEGRITY: true,
  UNSUPPORTED: true,
  CONFIGURATION: true,
  AUDIT_FAILED: true,
  INTERNAL: true,
}

/** The code as `error.type`; undefined without one. */
export function errorType(code: string | undefined): string | undefined {
  return code === undefined || Object.hasOwn(codes, code) ? code : other
}

const operations: Readonly<Record<AuditedOperation | 'refresh', true>> = {
  get: true,
  verify: true,
  describe: true,
  list: true,
  health: true,
  store: true,
  rotate: true,
  delete: true,
  restore: true,
  tag: true,
  stage: true,
  promote: true,
  discard: true,
  apply: true,
  test: true,
  rollback: true,
  retire: true,
  refresh: true,
}

export function operationName(operation: string): string {
  return Object.hasOwn(operations, operation) ? operation : other
}

/** What an author's provider or shared cache calls a kind of call or a reason: no message of a store. */
export function word(text: string): string {
  return /^[a-z][a-z_-]{0,31}$/.test(text) ? text : other
}
