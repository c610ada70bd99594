import { detailsOf, SecretsError, visibleIn } from './secrets-error.ts'

/** The same error of a provider, whose own text begins no line of ours. */
export function onOneLine(error: SecretsError): SecretsError {
  const escaped = (text: string): string => text.replaceAll('\n', '\\n')
  const { attempts, ...details } = detailsOf(error)
  return new SecretsError(error.code, escaped(error.problem ?? error.message), {
    ...visibleIn(details, escaped),
    attempts: attempts?.map((attempt) => visibleIn(attempt, escaped)),
  })
}
