import { randomUUID } from 'node:crypto'
import { awsErrors, type AwsErrorName } from './aws-errors.ts'
import { startHttpProxy } from './http-proxy.ts'
import { follow, type Plan, type Reply } from './replies.ts'
import type { RecordedRequest } from './request-reader.ts'

/** What the SDK sent. */
export interface AwsRequest {
  /** `GetSecretValue`: what stands in `X-Amz-Target` behind the service's name. */
  readonly action: string
  readonly body: Readonly<Record<string, unknown>>
  /** Names in lower case; `authorization` names the key and the region that signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly connection: number
}

/** An error of the JSON 1.1 protocol. */
export interface AwsErrorReply {
  readonly error: AwsErrorName | (string & {})
  readonly message?: string
  readonly status?: number
  /** Sends `retry-after`. */
  readonly retryAfterSeconds?: number
  readonly delayMs?: number
}

export type AwsReply = Reply | AwsErrorReply | { readonly json: object; readonly delayMs?: number }

export interface AwsStub {
  /** The SDK's `endpoint`. */
  readonly url: string
  /** Every request so far. */
  readonly requests: () => AwsRequest[]
  readonly plan: (plan: Plan<AwsRequest, AwsReply>) => void
  readonly stop: () => Promise<void>
}

/**
 * Answers as AWS's JSON 1.1 API does, by plan. With a `target`, such as moto, `'pass'` forwards a
 * request, so that only some calls fail.
 */
export async function startAwsStub(plan: Plan<AwsRequest, AwsReply>, options: { readonly target?: string } = {}): Promise<AwsStub> {
  const adapt = (next: Plan<AwsRequest, AwsReply>): ((request: RecordedRequest) => Promise<Reply>) => {
    const reply = follow(next)
    return async (request) => asHttp(await reply(awsRequestOf(request)))
  }
  const proxy = await startHttpProxy(options.target, { plan: adapt(plan) })
  return {
    url: proxy.url,
    requests: () => proxy.requests.map(awsRequestOf),
    plan: (next) => proxy.plan(adapt(next)),
    stop: proxy.stop,
  }
}

function awsRequestOf({ headers, body, connection }: RecordedRequest): AwsRequest {
  const action = headers['x-amz-target']?.split('.').at(-1) ?? ''
  return { action, body: JSON.parse(body || '{}') as AwsRequest['body'], headers, connection } // the SDK sends an object
}

function asHttp(reply: AwsReply): Reply {
  if (typeof reply !== 'object') return reply
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() }
  const delay = reply.delayMs === undefined ? {} : { delayMs: reply.delayMs }
  if ('json' in reply) return { headers, body: reply.json, ...delay }
  if (!('error' in reply)) return reply
  const known = Object.hasOwn(awsErrors, reply.error) ? awsErrors[reply.error as AwsErrorName] : undefined // it has that key
  const { status = known?.status ?? 400, message = known?.message ?? reply.error, retryAfterSeconds } = reply
  const retryAfter = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  const field = known?.isCommon ? 'message' : 'Message'
  return { status, headers: { ...headers, ...retryAfter }, body: { __type: reply.error, [field]: message }, ...delay }
}
