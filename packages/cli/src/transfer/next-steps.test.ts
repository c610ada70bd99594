import { describe, expect, it } from 'vitest'
import type { Row } from './item.ts'
import { nextSteps, type Standing } from './next-steps.ts'

const rows = (...states: readonly Row['state'][]): Row[] => states.map((state, index) => ({ name: `S${index}`, state, exitCode: 0 }))

const moved: Standing = {
  from: 'env',
  to: 'vault',
  rows: rows('same'),
  command: 'migrate --from env --to vault',
  chain: ['vault', 'env'],
  leftovers: [],
  undeclared: [],
}

const phases: readonly (readonly [what: string, standing: Partial<Standing>, steps: readonly string[]])[] = [
  ['write what is new', { rows: rows('same', 'new') }, ['write what is new: finchat-secrets migrate --from env --to vault --apply']],
  [
    'decide about what differs',
    { rows: rows('different') },
    ['see which value is right; to overwrite what differs: finchat-secrets migrate --from env --to vault --apply --force'],
  ],
  ['solve what cannot be mapped', { rows: rows('same', 'cannot be mapped') }, ['solve what cannot be mapped, and run it again']],
  [
    'put the store first, the variables behind it',
    { chain: ['env'] },
    [
      'let the application read it: "provider": "vault", "fallbacks": ["env"] in the configuration, or FINCHAT_SECRETS_PROVIDER=vault FINCHAT_SECRETS_FALLBACKS=env',
    ],
  ],
  [
    'remove the variables',
    { leftovers: ['A', 'B'] },
    [
      'see that the store suffices: finchat-secrets check --provider vault',
      'then remove from the environment: A, B',
      'rotate them: copies of the old values may be in process lists, crash reports and logs',
    ],
  ],
  [
    'declare what run would not give, before it is removed',
    { leftovers: ['A', 'B'], undeclared: ['B'] },
    [
      'declare under "secrets", or else keep where they are, what run does not give yet: B',
      'see that the store suffices: finchat-secrets check --provider vault',
      'then remove from the environment: A, B',
      'rotate them: copies of the old values may be in process lists, crash reports and logs',
    ],
  ],
  [
    'keep an encrypted copy',
    {},
    [
      'for an outage of the store, keep an encrypted copy: set "local" in the configuration, and its key',
      'then copy: finchat-secrets migrate --from vault --to local --apply',
    ],
  ],
  [
    'put the copy behind the store, before the variables',
    { from: 'vault', to: 'local' },
    [
      'let the application read it: "provider": "vault", "fallbacks": ["local","env"] in the configuration, or FINCHAT_SECRETS_PROVIDER=vault FINCHAT_SECRETS_FALLBACKS=local,env',
    ],
  ],
  [
    'keep the copy up to date',
    { from: 'vault', to: 'local', chain: ['vault', 'local'] },
    ['after each rotation, copy anew: finchat-secrets migrate --from vault --to local --apply --force'],
  ],
  ['end, if the local store is all', { to: 'local', chain: ['local'] }, ['every secret is at local: see it by finchat-secrets check']],
]

describe('the next step of a migration', () => {
  it.each(phases)('is to %s', (_, standing, steps) => expect(nextSteps({ ...moved, ...standing })).toEqual(steps))
})
