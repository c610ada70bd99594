import type { SecretsErrorCode } from '@finchat/secrets-core'
import type { Asked, Row } from '../error-row.ts'
import { errorTable } from './aws-errors.ts'
import type { Failure } from '../failure.ts'

/** The row that holds for a failure, or `undefined` where neither AWS's name for it nor Node.js's code is known. */
export function rowOf(failure: Failure, asked: Asked): Row | undefined {
  const holds = ({ names, says, on, when }: Row, name: string | undefined): boolean =>
    name !== undefined &&
    names.includes(name) &&
    (says === undefined || says.test(failure.message)) &&
    (on === undefined || on === asked.action) &&
    (when === undefined || when(asked))
  // A reset connection arrives as a TimeoutError with the code ECONNRESET: Node.js's code says more.
  return errorTable.find((row) => holds(row, failure.systemCode)) ?? errorTable.find((row) => holds(row, failure.name))
}

/**
 * What a status says by itself, where the answer has no name that is known: of a proxy, a balancer, a half-dead server, a newer AWS. What became
 * of a write is then open.
 */
export function rowOfStatus({ name, status }: Failure): Row {
  if (status === undefined) return unnamed('INTERNAL', 'the AWS SDK failed in a way that is not known here')
  if (status === 429) return { names: [], code: 'RATE_LIMITED', problem: 'the endpoint is throttling' }
  // What comes with 200 and is no JSON is cut off, or is some proxy's page: nothing that AWS said.
  if (status >= 500 || status < 300) return unnamed('UNAVAILABLE', 'the endpoint did not answer as AWS Secrets Manager does')
  if (!nameless.has(name)) return unnamed('INTERNAL', 'AWS answered with an error that is not known here')
  const remedy = 'correct `endpoint`, or let the proxy in between pass requests through'
  return { ...unnamed('CONFIGURATION', 'the endpoint does not answer as AWS Secrets Manager does'), remedy }
}

function unnamed(code: SecretsErrorCode, problem: string): Row {
  return { names: [], code, problem, isOpen: true }
}

/** What the SDK calls an answer that names no error, or that it cannot parse. */
const nameless: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'SyntaxError', 'Error', ''])
