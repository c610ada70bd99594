import { diag } from '@opentelemetry/api'

/**
 * Runs it, and reports a failure to OpenTelemetry's diagnostics alone: telemetry must not fail a
 * read. What the error says is left out, since it may quote an attribute. Returns whether it ended.
 */
export function quietly(run: () => void): boolean {
  try {
    run()
    return true
  } catch (error) {
    report(error)
    return false
  }
}

function report(error: unknown): void {
  try {
    const kind = error instanceof Error ? error.constructor.name : typeof error
    diag.error(`@finchat/secrets-otel: an observation failed (${kind}); secrets are not affected`)
  } catch {
    // A logger of the application may throw too, and so may a member of the error.
  }
}
