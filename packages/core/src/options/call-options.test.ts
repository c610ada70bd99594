import { expect, it } from 'vitest'
import { knownCallOptions, callMembers } from './call-options.ts'

it('takes an AbortSignal, an actor and a request id', () => {
  expect(() => knownCallOptions({ signal: AbortSignal.abort(), actor: 'webapp', requestId: '7' }, callMembers)).not.toThrow()
})

it('refuses a wrong signal, which would leave the caller waiting', () => {
  const options = { signal: 5 } as unknown as Parameters<typeof knownCallOptions>[0] // what JavaScript could pass
  expect(() => knownCallOptions(options, callMembers)).toThrow('signal is no AbortSignal')
})
