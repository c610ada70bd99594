import { expect, it } from 'vitest'
import { assertCallOptions, callMembers } from './call-options.ts'

it('takes an AbortSignal, an actor and a request id', () => {
  expect(() => assertCallOptions({ signal: AbortSignal.abort(), actor: 'webapp', requestId: '7' }, callMembers)).not.toThrow()
})

it('refuses a signal that is none: it would leave the caller waiting', () => {
  const options = { signal: 5 } as unknown as Parameters<typeof assertCallOptions>[0] // what JavaScript could pass
  expect(() => assertCallOptions(options, callMembers)).toThrow('signal is no AbortSignal')
})
