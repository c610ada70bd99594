import { expect, test } from 'vitest'
import { connectionFailure } from './connection-failure.ts'

const failed = (code: unknown, sent: boolean) => connectionFailure(Object.assign(new Error('of another'), { code }), sent)

test('a server that cannot be trusted is CONFIGURATION, but not one that breaks an encrypted connection', () => {
  expect(failed('EPROTO', false)).toMatchObject({ code: 'CONFIGURATION', storeStatus: 'EPROTO', sent: false })
  expect(failed('EPROTO', true)).toMatchObject({ code: 'UNAVAILABLE', storeStatus: 'EPROTO', sent: true, remedy: undefined })
})

test.each(['constructor', 'ECONNRESET of c4n4ry', 'e', '', 7, undefined, 'X'.repeat(100)])('%s is no code, and is not shown', (code) => {
  expect(failed(code, false)).toMatchObject({ code: 'UNAVAILABLE', message: 'the server cannot be reached', storeStatus: undefined })
})

test('of what is no error nothing is kept', () => {
  expect(connectionFailure({ code: 'ECONNRESET' }, true)).toMatchObject({ code: 'UNAVAILABLE', storeStatus: undefined })
})
