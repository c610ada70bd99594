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
