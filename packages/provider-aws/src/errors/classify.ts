import type { SecretsErrorCode } from '@finchat/secrets-core'
import { type RequestContext, awsErrors, type Row } from './aws-errors.ts'
import { networkErrors } from './network-errors.ts'

/**
 * All that is kept of an SDK error, which holds the session token, the signature and the body. The
 * message is compared with known words, and never shown.
 */
export interface Failure {
  readonly name: string
  readonly systemCode: string | undefined
  readonly status: number | undefined
  readonly message: string
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined
}

export function summaryOf(error: unknown): Failure {
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

/** Seconds (RFC 9110, 10.2.3); AWS does not send dates. */
function secondsOf(retryAfter: unknown): number | undefined {
  return typeof retryAfter === 'string' && /^\d{1,4}$/.test(retryAfter) ? Number(retryAfter) : undefined
}

/** The first matching row counts. */
export const errorTable: readonly Row[] = [...awsErrors, ...networkErrors]

/** The row for a failure, or `undefined` if neither its name nor its Node.js code is known. */
export function rowOf(failure: Failure, asked: RequestContext): Row | undefined {
  const { status } = failure
  const holds = ({ names, says, on, when, statuses }: Row, name: string | undefined): boolean =>
    name !== undefined &&
    names.includes(name) &&
    (says === undefined || says.test(failure.message)) &&
    (on === undefined || on === asked.action) &&
    (status === undefined || (statuses?.includes(status) ?? true)) &&
    (when === undefined || when(asked))
  // A reset connection is a TimeoutError with code ECONNRESET: the code says more.
  return errorTable.find((row) => holds(row, failure.systemCode)) ?? errorTable.find((row) => holds(row, failure.name))
}

/**
 * The row for a status whose error name is unknown: from a proxy, a balancer, a newer AWS. Whether
 * a write happened stays open.
 */
export function rowOfStatus({ name, status }: Failure): Row {
  if (status === undefined) return unnamed('INTERNAL', 'the AWS SDK failed for an unknown reason')
  if (status === 429) return { names: [], code: 'RATE_LIMITED', problem: 'the endpoint is throttling' }
  // With status 200 but not JSON: cut off, or a proxy's page.
  if (status >= 500 || status < 300) return unnamed('UNAVAILABLE', 'the endpoint did not answer as AWS Secrets Manager does')
  if (!nameless.has(name)) {
    const remedy = 'see whether `endpoint` is AWS: a proxy or an emulator may answer otherwise'
    return { ...unnamed('INTERNAL', `AWS answered with an unknown error: ${status}${isTypeName(name) ? ` ${name}` : ''}`), remedy }
  }
  const remedy = 'correct `endpoint`, or let the proxy in between pass requests through'
  return { ...unnamed('CONFIGURATION', 'the endpoint does not answer as AWS Secrets Manager does'), remedy }
}

/** Letters alone, as each type of AWS has: another text may be part of a secret. */
function isTypeName(name: string): boolean {
  return /^[A-Z][A-Za-z]{0,59}(Exception|Error|Failure|Fault)$/.test(name)
}

function unnamed(code: SecretsErrorCode, problem: string): Row {
  return { names: [], code, problem, isEffectUnknown: true }
}

/** Names that the SDK gives to an answer without an error name, or one that it cannot parse. */
const nameless: ReadonlySet<string> = new Set(['Unknown', 'UnknownError', 'SyntaxError', 'Error', ''])
