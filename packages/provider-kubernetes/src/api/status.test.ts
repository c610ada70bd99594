import { expect, test } from 'vitest'
import { isGone, statusError, unexpectedAnswer } from './status.ts'

const words = 'c4n4ry of a message'
const said = (status: number, reason?: string, details?: object) => ({
  status,
  body: reason === undefined ? undefined : { kind: 'Status', apiVersion: 'v1', reason, details, message: words, code: status },
  retryAfter: undefined,
})

test.each([
  [400, 'BadRequest', 'INVALID_ARGUMENT'],
  [401, 'Unauthorized', 'UNAUTHENTICATED'],
  [403, 'Forbidden', 'PERMISSION_DENIED'],
  [404, 'NotFound', 'NOT_FOUND'],
  [404, undefined, 'CONFIGURATION'],
  [405, 'MethodNotAllowed', 'CONFIGURATION'],
  [406, 'NotAcceptable', 'CONFIGURATION'],
  [409, 'AlreadyExists', 'VERSION_CONFLICT'],
  [409, 'Conflict', 'VERSION_CONFLICT'],
  [410, 'Expired', 'UNAVAILABLE'],
  [410, 'Gone', 'UNAVAILABLE'],
  [413, 'RequestEntityTooLarge', 'INVALID_ARGUMENT'],
  [415, 'UnsupportedMediaType', 'CONFIGURATION'],
  [422, 'Invalid', 'INVALID_ARGUMENT'],
  [429, 'TooManyRequests', 'RATE_LIMITED'],
  [429, undefined, 'RATE_LIMITED'],
  [300, undefined, 'CONFIGURATION'],
  [302, undefined, 'CONFIGURATION'],
  [418, 'Teapot', 'INTERNAL'],
] as const)('%d %s is %s, without its message', (status, reason, code) => {
  const error = statusError(said(status, reason, { kind: 'secrets', name: 'db' }), true)
  expect(error).toMatchObject({ code, storeStatus: String(status) })
  expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('c4n4ry')
  expect(error.effect).toBe(code === 'UNAVAILABLE' || code === 'INTERNAL' ? 'unknown' : undefined)
})

test.each([
  [500, 'InternalError'],
  [500, 'ServerTimeout'],
  [502, undefined],
  [503, 'ServiceUnavailable'],
  [504, 'Timeout'],
] as const)('%d %s is an outage, after which a write may have been done', (status, reason) => {
  expect(statusError(said(status, reason), true)).toMatchObject({ code: 'UNAVAILABLE', effect: 'unknown' })
  expect(statusError(said(status, reason), false).effect).toBeUndefined()
})

test('a write into a missing namespace names it', () => {
  const error = statusError(said(404, 'NotFound', { kind: 'namespaces', name: 'nowhere' }), true)
  expect(error).toMatchObject({ code: 'CONFIGURATION', problem: 'there is no such namespace' })
})

test.each([
  [404, undefined, 'CONFIGURATION'],
  [404, {}, 'CONFIGURATION'],
  [404, { kind: 'pods', name: 'db' }, 'CONFIGURATION'],
  [401, { kind: 'secrets', name: 'db' }, 'UNAUTHENTICATED'],
  [403, { kind: 'secrets', name: 'db' }, 'PERMISSION_DENIED'],
  [503, { kind: 'secrets', name: 'db' }, 'UNAVAILABLE'],
] as const)('%d of NotFound with details %j is no absence, which lets a later provider answer, but %s', (status, details, code) => {
  expect(statusError(said(status, 'NotFound', details), false)).toMatchObject({ code })
})

test('the server says when to ask again', () => {
  const at = 'Fri, 27 Nov 2026 10:00:00 GMT'
  expect(statusError({ ...said(429, 'TooManyRequests'), retryAfter: at }, false).retryAt).toBe(Date.parse(at))
})

test('what has expired is told from other outages', () => {
  expect([said(410, 'Expired'), said(503)].map((answer) => isGone(statusError(answer, false)))).toEqual([true, false])
  expect(isGone(new Error('410'))).toBe(false)
})

test('a success without an object is no answer, and a write may have been done', () => {
  expect(unexpectedAnswer(200, true)).toMatchObject({ code: 'INTERNAL', effect: 'unknown' })
  expect(unexpectedAnswer(200, false).effect).toBeUndefined()
})
