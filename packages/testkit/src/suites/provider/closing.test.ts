import { SecretsError } from '@finchat/secrets-core'
import { describe, test } from 'vitest'
import { replacing, testCatches } from '../../testing/bad-providers.ts'
import { badEnds } from '../../testing/zoo/names.ts'

const noSecret = 'health: a check reads and writes no secret'
const ends = 'closing: `close` ends after calls and during one'

describe('the rules of health and closing', () => {
  testCatches(test, /^(health|closing):/, {
    ...badEnds,
    'is always well': {
      spoil: replacing(() => ({ checkHealth: async () => {} })),
      caughtBy: 'health: unreachable rejects with UNAVAILABLE',
    },
    'is well with a refused credential': {
      spoil: replacing((good) => ({
        checkHealth: (context) =>
          good.checkHealth(context).catch((error: { code?: string }) => {
            if (error.code !== 'UNAUTHENTICATED') throw error
          }),
      })),
      caughtBy: 'health: unauthenticated rejects with UNAUTHENTICATED',
    },
    'is never well': {
      spoil: replacing(() => ({ checkHealth: () => Promise.reject(new SecretsError('UNAVAILABLE', 'never well')) })),
      caughtBy: 'health: a reachable store is healthy',
    },
    'reads a secret to check its health': {
      spoil: replacing((good) => ({ checkHealth: async (context) => void (await good.get('suite/health', context)) })),
      caughtBy: noSecret,
    },
    'writes a secret to check its health, and counts no requests': {
      spoil: (harness) => ({
        ...replacing((good) => ({
          checkHealth: async (context) => void (await good.put('suite/health', { value: 'well' }, context)),
        }))(harness),
        secretRequests: undefined,
      }),
      caughtBy: noSecret,
    },
    'cannot be closed twice': {
      spoil: replacing(() => {
        const state = { open: true }
        return {
          close: async () => {
            if (!state.open) throw new SecretsError('INTERNAL', 'already closed')
            state.open = false
          },
        }
      }),
      caughtBy: 'closing: `close` may be called twice, and before any call',
    },
    'cannot be closed after a call': {
      spoil: replacing((good) => {
        const state = { calls: 0 }
        return {
          get: (path, context) => {
            state.calls += 1
            return good.get(path, context)
          },
          close: async () => {
            const { calls } = state
            state.calls = 0 // waits once, or the suite's own closing hangs too
            if (calls > 0) await new Promise(() => {})
          },
        }
      }),
      caughtBy: ends,
    },
    'lets a foreign error out when it is closed': {
      spoil: replacing((good) => {
        const state = { closed: false }
        return {
          get: async (path, context) => {
            const secret = await good.get(path, context)
            await Promise.resolve()
            if (state.closed) throw new TypeError('socket closed')
            return secret
          },
          close: async () => void (state.closed = true),
        }
      }),
      caughtBy: ends,
    },
  })
})
