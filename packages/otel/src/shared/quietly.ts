import { diag } from '@opentelemetry/api'

/**
 * Runs it, and reports a failure to OpenTelemetry's diagnostics alone: telemetry must not fail a
 * read. What the error says is left out, since it may quote an attribute.
 */
export function quietly(run: () => void): void {
  try {
    run()
  } catch (error) {
    report(error instanceof Error ? error.constructor.name : typeof error)
  }
}

function report(kind: string): void {
  try {
    diag.error(`@finchat/secrets-otel: an observation failed (${kind}); secrets are not affected`)
  } catch {
    // A logger of the application may throw too.
  }
}
