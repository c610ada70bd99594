import type { RecordedRequest } from './request-reader.ts'

/** An answer of the proxy's own; the server behind it is not asked. */
export interface Answer {
  /** Default: 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text and bytes as they are; anything else as JSON. */
  readonly body?: unknown
  /** How long the proxy waits first. */
  readonly delayMs?: number
  /** Announces the whole body, sends half of it, and resets the connection. */
  readonly truncate?: boolean
}

/** Forwards the request, and may lose the answer of a write that happened, or send a web page instead. */
export interface Passing {
  readonly pass: 'whole' | 'reset' | 'hang' | 'truncate' | 'garble'
  /** How long the proxy holds the request before it forwards it. */
  readonly delayMs?: number
}

/** `'hang'` never answers; `'reset'` resets the connection. */
export type Reply = 'pass' | 'hang' | 'reset' | Answer | Passing

/** One reply for all requests, a list (its last one stays), or a function that decides. */
export type Plan<Request = RecordedRequest, PlannedReply = Reply> =
  | PlannedReply
  | readonly [PlannedReply, ...PlannedReply[]]
  | ((request: Request) => PlannedReply | Promise<PlannedReply>)

const html = '<html><head><title>Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>'

/** A web page that says success. */
export const webPage: Answer = { headers: { 'content-type': 'text/html' }, body: html }

/** Answers of proxies, balancers and half-dead servers, by name, for tables of tests. */
export const brokenReplies: Readonly<Record<string, Reply>> = {
  hang: 'hang',
  reset: 'reset',
  truncated: { headers: { 'content-type': 'application/json' }, body: { data: { data: { value: 'cut' } } }, truncate: true },
  'HTML with 200': webPage,
  'HTML with 502': { status: 502, headers: { 'content-type': 'text/html' }, body: html },
  'no body': { body: '' },
  'JSON of a wrong type': { headers: { 'content-type': 'application/json' }, body: [42] },
  'half of a JSON text': { headers: { 'content-type': 'application/json' }, body: '{"data":{"da' },
}

/** Turns a plan into a function that is asked once for each request. */
export function follow<Request, PlannedReply>(
  plan: Plan<Request, PlannedReply>,
): (request: Request) => PlannedReply | Promise<PlannedReply> {
  // TypeScript cannot tell a reply from a function or a list of replies: no reply is either.
  if (typeof plan === 'function') return plan as (request: Request) => PlannedReply | Promise<PlannedReply>
  if (!Array.isArray(plan)) return () => plan as PlannedReply
  const replies = plan as readonly [PlannedReply, ...PlannedReply[]]
  let next = 0
  return () => replies[next++] ?? (replies.at(-1) as PlannedReply) // it has one at least
}
