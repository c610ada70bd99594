import type { SecretsErrorCode } from '@finchat/secrets-core'
import { type Asked, awsErrors, type Row } from './aws-errors.ts'
import { networkErrors } from './network-errors.ts'

/**
 * What we look at of an error of the SDK, and all that is kept of it: such an error holds the session token, the signature and the body of
 * the answer. The message is compared with known words and goes no further.
 */
export interface Failure {
  readonly name: string
  /** Node.js's own code, such as ECONNREFUSED. */
  readonly systemCode: string | undefined
  readonly status: number | undefined
  readonly message: string
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined
}

export function failureOf(error: unknown): Failure {
  const { name, code, message, $metadata, $response } = membersOf(error)
  const { httpStatusCode, requestId } = membersOf($metadata)
  const { statusCode, headers } = membersOf($response)
  const status = [httpStatusCode, statusCode].find((each) => typeof each === 'number')
  return {
    name: typeof name === 'string' ? name : '',
    systemCode: typeof code === 'string' ? code : undefined,
    status: typeof status === 'number' ? status : undefined,
    message: typeof message === 'string' ? message : '',
    requestId: typeof requestId === 'string' && /^[A-Za-z0-9-]{1,64}$/.test(requestId) ? requestId : undefined,
    retryAfterSeconds: secondsOf(membersOf(headers)['retry-after']),
  }
}

function membersOf(thing: unknown): Readonly<Record<string, unknown>> {
  return Object(thing)
}

/** As a number of seconds (RFC 9110, 10.2.3); the form of a date is not used by AWS. */
function secondsOf(retryAfter: unknown): number | undefined {
  return typeof retryAfter === 'string' && /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) : undefined
}

/** Every error that AWS, the SDK or the network is known for. The first row that holds counts. */
export const errorTable: readonly Row[] = [...awsErrors, ...networkErrors]

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
